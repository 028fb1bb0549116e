#version 450
// One eye's picture, or both as an anaglyph, scaled into the viewport. The samplers give linear
// light; so does the output, unless ENCODE.

// constants, so that a software device does not sample what is not shown
layout(constant_id = 0) const int EYE = 0;         // 0 left, 1 right, 2 both for red-cyan glasses
layout(constant_id = 1) const bool ENCODE = false; // the target does not encode sRGB by itself

layout(set = 0, binding = 0) uniform sampler2D eyes[2]; // left, right

layout(push_constant) uniform Draw
{
    vec2 pixel; // size of one pixel of the viewport, in pictures
    ivec2 taps; // samples spread over one pixel, across and down
} draw;

layout(location = 0) in vec2 in_place;
layout(location = 0) out vec4 out_colour;

// Least-squares projection for red-cyan glasses, left eye through red: E. Dubois, "A projection
// method to generate anaglyph stereo images", ICASSP 2001. For linear light. Each line gives one of
// R, G, B of the output from the eye's R, G, B; GLSL takes lines as columns, hence vector * matrix.
const mat3 LEFT = mat3(0.456100, 0.500484, 0.176381,
                       -0.0400822, -0.0378246, -0.0157589,
                       -0.0152161, -0.0205971, -0.00546856);
const mat3 RIGHT = mat3(-0.0434706, -0.0879388, -0.00155529,
                        0.378476, 0.733640, -0.0184503,
                        -0.0721527, -0.112961, 1.226400);

// The average over the pixel's whole footprint: bilinear samples alone would alias once the
// picture is more than halved.
vec3 footprint(sampler2D eye)
{
    vec3 sum = vec3(0.0);

    for (int y = 0; y < draw.taps.y; y++)
        for (int x = 0; x < draw.taps.x; x++) {
            vec2 within = (vec2(x, y) + 0.5) / vec2(draw.taps) - 0.5;

            sum += textureLod(eye, in_place + within * draw.pixel, 0.0).rgb;
        }
    return sum / float(draw.taps.x * draw.taps.y);
}

// IEC 61966-2-1
vec3 srgb_encode(vec3 linear)
{
    return mix(1.055 * pow(linear, vec3(1.0 / 2.4)) - 0.055, 12.92 * linear,
               lessThanEqual(linear, vec3(0.0031308)));
}

void main()
{
    vec3 colour;

    if (EYE == 2)
        colour = clamp(footprint(eyes[0]) * LEFT + footprint(eyes[1]) * RIGHT, 0.0, 1.0);
    else
        colour = footprint(eyes[EYE & 1]);
    out_colour = vec4(ENCODE ? srgb_encode(colour) : colour, 1.0);
}
