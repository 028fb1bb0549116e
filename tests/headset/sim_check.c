#include "tests/headset/sim_check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/headset/sim_config.h"
#include "tests/headset/sim_report.h"
#include "tests/headset/sim_vulkan.h"

#define LINES_SHOWN 50 // of violations; more are only counted

static const char *function = "?";
static int shown;

void sim_check_function(const char *name)
{
    function = name;
}

const char *sim_check_function_name(void)
{
    return function;
}

XrResult sim_wrong(XrResult result, const char *rule, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    sim_report_violation(rule, function, (int)result, text);
    if (!sim_config()->quiet && shown++ < LINES_SHOWN)
        fprintf(stderr, "sim_headset: violation: %s: %s: %s (returns %d)\n", rule, function, text,
                (int)result);
    return result;
}

// Which structure may extend which.
static const struct {
    XrStructureType base, extension;
} chains[] = {
    {XR_TYPE_SESSION_CREATE_INFO, XR_TYPE_GRAPHICS_BINDING_VULKAN2_KHR},
    {XR_TYPE_SPACE_LOCATION, XR_TYPE_SPACE_VELOCITY},
    {XR_TYPE_INSTANCE_CREATE_INFO, XR_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT},
};

static bool may_extend(XrStructureType base, XrStructureType extension)
{
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++)
        if (chains[i].base == base && chains[i].extension == extension)
            return true;
    return false;
}

XrResult sim_check_struct(const void *structure, XrStructureType type, const char *name)
{
    const XrBaseInStructure *base = structure;
    if (!base)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "struct_null", "%s is NULL", name);
    if (base->type != type)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "struct_type", "%s.type is %d, must be %d",
                         name, (int)base->type, (int)type);
    int length = 0;
    for (const XrBaseInStructure *s = base->next; s; s = s->next) {
        if (!may_extend(type, s->type))
            sim_wrong(XR_SUCCESS, "struct_next",
                      "%s.next holds a structure of type %d, which cannot extend it", name,
                      (int)s->type);
        if (++length > 64)
            return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "struct_next_endless",
                             "%s.next does not end", name);
    }
    return XR_SUCCESS;
}

XrResult sim_check_optional(const void *structure, XrStructureType type, const char *name)
{
    return structure ? sim_check_struct(structure, type, name) : XR_SUCCESS;
}

const void *sim_check_chained(const void *next, XrStructureType type)
{
    for (const XrBaseInStructure *s = next; s; s = s->next)
        if (s->type == type)
            return s;
    return NULL;
}

XrResult sim_check_pose(const XrPosef *pose, const char *what)
{
    const XrQuaternionf *q = &pose->orientation;
    const XrVector3f *p = &pose->position;
    float length = sqrtf(q->x * q->x + q->y * q->y + q->z * q->z + q->w * q->w);
    if (!(fabsf(length - 1) <= 0.01f))
        return sim_wrong(XR_ERROR_POSE_INVALID, "pose_unit",
                         "orientation of %s has length %g, must be 1 within 1 %%", what, length);
    if (!isfinite(p->x) || !isfinite(p->y) || !isfinite(p->z))
        return sim_wrong(XR_ERROR_POSE_INVALID, "pose_finite", "position of %s is not finite",
                         what);
    return XR_SUCCESS;
}

XrResult sim_check_time(XrTime time, const char *what)
{
    if (time <= 0)
        return sim_wrong(XR_ERROR_TIME_INVALID, "time_positive", "%s is %lld, must be positive",
                         what, (long long)time);
    return XR_SUCCESS;
}

XrResult sim_check_two_call(uint32_t capacity, uint32_t *count, const void *elements,
                            uint32_t needed, bool *fill)
{
    *fill = false;
    if (!count)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "two_call_count", "the count output is NULL");
    *count = needed;
    if (capacity == 0)
        return XR_SUCCESS;
    if (capacity < needed)
        return sim_wrong(XR_ERROR_SIZE_INSUFFICIENT, "two_call_size",
                         "capacity is %u, %u are needed", capacity, needed);
    if (!elements && needed)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "two_call_null",
                         "the array is NULL, its capacity %u", capacity);
    *fill = true;
    return XR_SUCCESS;
}
