#include "viewer/window_pipeline.h"

#include "shaders/shaders.h"
#include "viewer/vk_device.h"
#include "viewer/vk_frames.h"
#include "viewer/window_layout.h"

// what the shader's first constant may be
#define PIPELINES 3
#define ANAGLYPH 2

static bool create_layouts(struct window_pipeline *p)
{
    VkSamplerCreateInfo sampler = {
        .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
        .magFilter = VK_FILTER_LINEAR,
        .minFilter = VK_FILTER_LINEAR,
        .addressModeU = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
        .addressModeV = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
        .addressModeW = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
    };
    VkDescriptorSetLayoutBinding binding = {
        .binding = 0,
        .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
        .descriptorCount = 2,
        .stageFlags = VK_SHADER_STAGE_FRAGMENT_BIT,
    };
    VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = 1,
        .pBindings = &binding,
    };
    VkPushConstantRange push = {VK_SHADER_STAGE_FRAGMENT_BIT, 0, sizeof(struct eyes_draw)};
    VkPipelineLayoutCreateInfo layout = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &p->set_layout,
        .pushConstantRangeCount = 1,
        .pPushConstantRanges = &push,
    };
    VkDevice device = p->vk->device;

    return VK(vkCreateSampler(device, &sampler, NULL, &p->sampler)) &&
           VK(vkCreateDescriptorSetLayout(device, &set, NULL, &p->set_layout)) &&
           VK(vkCreatePipelineLayout(device, &layout, NULL, &p->layout));
}

static bool create_sets(struct window_pipeline *p)
{
    VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
                                 2 * WINDOW_PIPELINE_SETS};
    VkDescriptorPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = WINDOW_PIPELINE_SETS,
        .poolSizeCount = 1,
        .pPoolSizes = &size,
    };
    VkDescriptorSetLayout layouts[WINDOW_PIPELINE_SETS];
    VkDescriptorSetAllocateInfo sets = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorSetCount = WINDOW_PIPELINE_SETS,
        .pSetLayouts = layouts,
    };

    for (int i = 0; i < WINDOW_PIPELINE_SETS; i++)
        layouts[i] = p->set_layout;
    if (!VK(vkCreateDescriptorPool(p->vk->device, &pool, NULL, &p->pool)))
        return false;
    sets.descriptorPool = p->pool;
    return VK(vkAllocateDescriptorSets(p->vk->device, &sets, p->sets));
}

static bool create_module(struct window_pipeline *p, const struct shader *shader,
                          VkShaderModule *out)
{
    VkShaderModuleCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = shader->size_bytes,
        .pCode = shader->words,
    };

    return VK(vkCreateShaderModule(p->vk->device, &info, NULL, out));
}

static bool create_pipeline(struct window_pipeline *p, const VkShaderModule modules[2],
                            VkRenderPass pass, int eye, bool encode, VkPipeline *out)
{
    const struct {
        int32_t eye;
        VkBool32 encode;
    } constants = {eye, encode};
    const VkSpecializationMapEntry entries[] = {
        {0, 0, sizeof(constants.eye)},
        {1, sizeof(constants.eye), sizeof(constants.encode)},
    };
    const VkSpecializationInfo special = {2, entries, sizeof(constants), &constants};
    const VkPipelineShaderStageCreateInfo stages[] = {
        {
            .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
            .stage = VK_SHADER_STAGE_VERTEX_BIT,
            .module = modules[0],
            .pName = "main",
        },
        {
            .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
            .stage = VK_SHADER_STAGE_FRAGMENT_BIT,
            .module = modules[1],
            .pName = "main",
            .pSpecializationInfo = &special,
        },
    };
    const VkDynamicState dynamic[] = {VK_DYNAMIC_STATE_VIEWPORT, VK_DYNAMIC_STATE_SCISSOR};
    const VkPipelineColorBlendAttachmentState blend = {.colorWriteMask = 0xf};
    VkGraphicsPipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
        .stageCount = 2,
        .pStages = stages,
        .pVertexInputState =
            &(VkPipelineVertexInputStateCreateInfo){
                .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO,
            },
        .pInputAssemblyState =
            &(VkPipelineInputAssemblyStateCreateInfo){
                .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
                .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST,
            },
        .pViewportState =
            &(VkPipelineViewportStateCreateInfo){
                .sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
                .viewportCount = 1,
                .scissorCount = 1,
            },
        .pRasterizationState =
            &(VkPipelineRasterizationStateCreateInfo){
                .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
                .cullMode = VK_CULL_MODE_NONE,
                .lineWidth = 1.0f,
            },
        .pMultisampleState =
            &(VkPipelineMultisampleStateCreateInfo){
                .sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
                .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT,
            },
        .pColorBlendState =
            &(VkPipelineColorBlendStateCreateInfo){
                .sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
                .attachmentCount = 1,
                .pAttachments = &blend,
            },
        .pDynamicState =
            &(VkPipelineDynamicStateCreateInfo){
                .sType = VK_STRUCTURE_TYPE_PIPELINE_DYNAMIC_STATE_CREATE_INFO,
                .dynamicStateCount = 2,
                .pDynamicStates = dynamic,
            },
        .layout = p->layout,
        .renderPass = pass,
    };

    return VK(vkCreateGraphicsPipelines(p->vk->device, VK_NULL_HANDLE, 1, &info, NULL, out));
}

bool window_pipeline_init(struct window_pipeline *p, struct vk_device *vk, VkRenderPass pass,
                          bool encode)
{
    VkShaderModule modules[2] = {VK_NULL_HANDLE, VK_NULL_HANDLE};
    bool ok;

    *p = (struct window_pipeline){.vk = vk};
    ok = create_layouts(p) && create_sets(p) && create_module(p, &shader_eyes_vert, &modules[0]) &&
         create_module(p, &shader_eyes_frag, &modules[1]);
    for (int eye = 0; ok && eye < PIPELINES; eye++)
        ok = create_pipeline(p, modules, pass, eye, encode, &p->pipelines[eye]);
    vkDestroyShaderModule(vk->device, modules[0], NULL);
    vkDestroyShaderModule(vk->device, modules[1], NULL);
    return ok;
}

void window_pipeline_finish(struct window_pipeline *p)
{
    if (!p->vk)
        return;
    for (int eye = 0; eye < PIPELINES; eye++)
        vkDestroyPipeline(p->vk->device, p->pipelines[eye], NULL);
    vkDestroyPipelineLayout(p->vk->device, p->layout, NULL);
    vkDestroyDescriptorPool(p->vk->device, p->pool, NULL);
    vkDestroyDescriptorSetLayout(p->vk->device, p->set_layout, NULL);
    vkDestroySampler(p->vk->device, p->sampler, NULL);
    *p = (struct window_pipeline){0};
}

static void bind_images(struct window_pipeline *p, VkCommandBuffer commands, int set,
                        const struct vk_stereo_images *images)
{
    VkDescriptorImageInfo eyes[2];
    VkWriteDescriptorSet write = {
        .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
        .dstSet = p->sets[set],
        .descriptorCount = 2,
        .descriptorType = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
        .pImageInfo = eyes,
    };

    for (int eye = 0; eye < 2; eye++)
        eyes[eye] =
            (VkDescriptorImageInfo){p->sampler, images->view_srgb[eye], VK_IMAGE_LAYOUT_GENERAL};
    vkUpdateDescriptorSets(p->vk->device, 1, &write, 0, NULL);
    vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, p->layout, 0, 1,
                            &p->sets[set], 0, NULL);
}

static void draw_place(struct window_pipeline *p, VkCommandBuffer commands, VkPipeline pipeline,
                       const struct vk_stereo_images *images, const struct window_place *place)
{
    VkViewport viewport = {
        .x = (float)place->x,
        .y = (float)place->y,
        .width = (float)place->width,
        .height = (float)place->height,
        .maxDepth = 1.0f,
    };
    VkRect2D scissor = {
        {place->x, place->y},
        {(uint32_t)place->width, (uint32_t)place->height},
    };
    // lavapipe on one core, 1920x1080 into 1280x720: 29 ms with one sample, 51 ms with four
    bool sparing = p->vk->properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
    struct eyes_draw draw = {
        .pixel = {1.0f / viewport.width, 1.0f / viewport.height},
        .taps = {window_layout_taps(images->width, place->width, sparing),
                 window_layout_taps(images->height, place->height, sparing)},
    };

    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline);
    vkCmdSetViewport(commands, 0, 1, &viewport);
    vkCmdSetScissor(commands, 0, 1, &scissor);
    vkCmdPushConstants(commands, p->layout, VK_SHADER_STAGE_FRAGMENT_BIT, 0, sizeof(draw), &draw);
    vkCmdDraw(commands, 3, 1, 0, 0);
}

void window_pipeline_draw(struct window_pipeline *p, VkCommandBuffer commands, int set,
                          const struct vk_stereo_images *images, enum stereo_layout layout,
                          double aspect, VkExtent2D area)
{
    struct window_place places[2];
    int count = window_layout_places(layout, aspect, (int)area.width, (int)area.height, places);

    bind_images(p, commands, set, images);
    for (int i = 0; i < count; i++)
        draw_place(p, commands, p->pipelines[layout == LAYOUT_ANAGLYPH ? ANAGLYPH : places[i].eye],
                   images, &places[i]);
}
