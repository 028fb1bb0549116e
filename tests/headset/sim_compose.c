#include "tests/headset/sim_compose.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define SAMPLES 2 // per pixel and direction
#define GAMMA_STEPS 4096

struct rgba {
    float r, g, b, a; // linear
};

// A layer seen from the eye, in the layer's frame: the rays' start, and their directions, which are
// linear in the place of the sample: corner + x * across + y * along.
struct seen {
    const struct sim_sheet *sheet;
    struct vec3 eye;
    struct vec3 corner, across, along;
    double left, right, up, down; // tangents, of a projection view
};

static float to_linear[256];
static uint8_t to_srgb[GAMMA_STEPS + 1];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

// IEC 61966-2-1
static void make_tables(void)
{
    for (int i = 0; i < 256; i++) {
        double c = i / 255.0;
        to_linear[i] = (float)(c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
    }
    for (int i = 0; i <= GAMMA_STEPS; i++) {
        double c = (double)i / GAMMA_STEPS;
        double s = c <= 0.0031308 ? 12.92 * c : 1.055 * pow(c, 1 / 2.4) - 0.055;
        to_srgb[i] = (uint8_t)lrint(s * 255);
    }
}

int sim_texel_bytes(VkFormat format)
{
    return format == VK_FORMAT_R16G16B16A16_SFLOAT ? 8 : 4;
}

double sim_half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    double value = exponent == 0    ? ldexp(mantissa, -24)
                   : exponent == 31 ? (mantissa ? NAN : INFINITY)
                                    : ldexp(mantissa + 1024, exponent - 25);
    return bits >> 15 ? -value : value;
}

static struct rgba texel(const struct sim_texture *t, int x, int y)
{
    x = x < 0 ? 0 : x >= t->width ? t->width - 1 : x;
    y = y < 0 ? 0 : y >= t->height ? t->height - 1 : y;
    const uint8_t *p = (const uint8_t *)t->pixels + ((size_t)y * (size_t)t->width + (size_t)x) *
                                                        (size_t)sim_texel_bytes(t->format);
    switch (t->format) {
    case VK_FORMAT_R8G8B8A8_SRGB:
        return (struct rgba){to_linear[p[0]], to_linear[p[1]], to_linear[p[2]], (float)p[3] / 255};
    case VK_FORMAT_B8G8R8A8_SRGB:
        return (struct rgba){to_linear[p[2]], to_linear[p[1]], to_linear[p[0]], (float)p[3] / 255};
    case VK_FORMAT_R8G8B8A8_UNORM:
        return (struct rgba){(float)p[0] / 255, (float)p[1] / 255, (float)p[2] / 255,
                             (float)p[3] / 255};
    case VK_FORMAT_B8G8R8A8_UNORM:
        return (struct rgba){(float)p[2] / 255, (float)p[1] / 255, (float)p[0] / 255,
                             (float)p[3] / 255};
    default: {
        uint16_t h[4];
        memcpy(h, p, sizeof h);
        return (struct rgba){(float)sim_half(h[0]), (float)sim_half(h[1]), (float)sim_half(h[2]),
                             (float)sim_half(h[3])};
    }
    }
}

static struct rgba mix(struct rgba a, struct rgba b, float f)
{
    return (struct rgba){a.r + (b.r - a.r) * f, a.g + (b.g - a.g) * f, a.b + (b.b - a.b) * f,
                         a.a + (b.a - a.a) * f};
}

// u, v: 0..1 from the top left corner.
static struct rgba sample(const struct sim_texture *t, double u, double v)
{
    double x = u * t->width - 0.5, y = v * t->height - 0.5;
    int x0 = (int)floor(x), y0 = (int)floor(y);
    float fx = (float)(x - x0), fy = (float)(y - y0);
    return mix(mix(texel(t, x0, y0), texel(t, x0 + 1, y0), fx),
               mix(texel(t, x0, y0 + 1), texel(t, x0 + 1, y0 + 1), fx), fy);
}

// The quad's front looks to +Z; its back is not seen.
static bool meet_quad(const struct seen *s, struct vec3 d, double *u, double *v)
{
    const struct sim_layer *l = &s->sheet->layer;
    struct vec3 o = s->eye;
    if (o.z <= 0 || d.z >= 0)
        return false;
    double t = -o.z / d.z;
    *u = (o.x + t * d.x) / l->width_m + 0.5;
    *v = 0.5 - (o.y + t * d.y) / l->height_m;
    return true;
}

// Only the inside is seen: the far meeting of the ray with the cylinder. Its middle is at -Z.
static bool meet_cylinder(const struct seen *s, struct vec3 d, double *u, double *v)
{
    const struct sim_layer *l = &s->sheet->layer;
    double x = d.x, z = d.z, y = d.y, radius = l->radius_m;
    double a = d.x * d.x + d.z * d.z;
    if (a < 1e-12)
        return false;
    if (radius > 0) {
        struct vec3 o = s->eye;
        double b = o.x * d.x + o.z * d.z, c = o.x * o.x + o.z * o.z - radius * radius;
        double root = b * b - a * c;
        double t = root < 0 ? -1 : (-b + sqrt(root)) / a;
        if (t <= 0)
            return false;
        x = o.x + t * d.x;
        y = o.y + t * d.y;
        z = o.z + t * d.z;
    } else { // infinitely far away, in units of its radius
        radius = 1;
        y = d.y / sqrt(a);
    }
    *u = atan2(x, -z) / l->angle + 0.5;
    *v = 0.5 - y * l->aspect / (radius * l->angle);
    return true;
}

static bool meet_projection(const struct seen *s, struct vec3 d, double *u, double *v)
{
    if (d.z >= 0)
        return false;
    *u = (d.x / -d.z - s->left) / (s->right - s->left);
    *v = (s->up - d.y / -d.z) / (s->up - s->down);
    return true;
}

static bool meet(const struct seen *s, double x, double y, double *u, double *v)
{
    struct vec3 d =
        vec3_add(s->corner, vec3_add(vec3_scale(s->across, x), vec3_scale(s->along, y)));
    bool met = s->sheet->layer.type == XR_TYPE_COMPOSITION_LAYER_QUAD ? meet_quad(s, d, u, v)
               : s->sheet->layer.type == XR_TYPE_COMPOSITION_LAYER_CYLINDER_KHR
                   ? meet_cylinder(s, d, u, v)
                   : meet_projection(s, d, u, v);
    return met && *u >= 0 && *u < 1 && *v >= 0 && *v < 1;
}

static float clamp(float c)
{
    return c > 0 ? (c < 1 ? c : 1) : 0;
}

static struct rgba blend(struct rgba below, struct rgba c, XrCompositionLayerFlags flags)
{
    if (!(flags & XR_COMPOSITION_LAYER_BLEND_TEXTURE_SOURCE_ALPHA_BIT))
        c.a = 1;
    if (flags & XR_COMPOSITION_LAYER_UNPREMULTIPLIED_ALPHA_BIT) {
        c.r *= c.a;
        c.g *= c.a;
        c.b *= c.a;
    }
    float rest = 1 - clamp(c.a);
    return (struct rgba){clamp(c.r) + below.r * rest, clamp(c.g) + below.g * rest,
                         clamp(c.b) + below.b * rest, clamp(c.a) + below.a * rest};
}

static struct rgba look(const struct seen *seen, int count, double x, double y)
{
    struct rgba c = {0};
    for (int n = 0; n < count; n++) {
        double u, v;
        if (meet(&seen[n], x, y, &u, &v))
            c = blend(c, sample(&seen[n].sheet->texture, u, v), seen[n].sheet->layer.flags);
    }
    return c;
}

static uint8_t encode(float c)
{
    return to_srgb[(int)(clamp(c) * GAMMA_STEPS + 0.5f)];
}

// width, height: in samples
static struct seen see(const struct sim_sheet *sheet, struct pose eye_pose, XrFovf fov, int width,
                       int height)
{
    const XrFovf *own = &sheet->layer.fov;
    struct pose eye = pose_multiply(pose_inverse(sheet->layer.pose), eye_pose);
    double left = tan(fov.angleLeft), up = tan(fov.angleUp);
    double across = (tan(fov.angleRight) - left) / width,
           along = (tan(fov.angleDown) - up) / height;
    return (struct seen){
        .sheet = sheet,
        .eye = eye.at,
        .corner = quat_rotate(eye.turn, (struct vec3){left, up, -1}),
        .across = quat_rotate(eye.turn, (struct vec3){across, 0, 0}),
        .along = quat_rotate(eye.turn, (struct vec3){0, along, 0}),
        .left = tan(own->angleLeft),
        .right = tan(own->angleRight),
        .up = tan(own->angleUp),
        .down = tan(own->angleDown),
    };
}

void sim_compose(const struct sim_sheet *sheets, int count, int eye, struct pose eye_pose,
                 XrFovf fov, int width, int height, uint8_t *out)
{
    pthread_once(&tables_once, make_tables);
    struct seen seen[2 * SIM_LAYERS_MAX];
    int used = 0;
    for (int n = 0; n < count; n++)
        if (sheets[n].layer.eyes & 1u << eye)
            seen[used++] = see(&sheets[n], eye_pose, fov, width * SAMPLES, height * SAMPLES);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            struct rgba sum = {0};
            for (int n = 0; n < SAMPLES * SAMPLES; n++) {
                struct rgba c = look(seen, used, x * SAMPLES + n % SAMPLES + 0.5,
                                     y * SAMPLES + n / SAMPLES + 0.5);
                sum = (struct rgba){sum.r + c.r, sum.g + c.g, sum.b + c.b, 1};
            }
            uint8_t *p = out + ((size_t)y * (size_t)width + (size_t)x) * 3;
            p[0] = encode(sum.r / (SAMPLES * SAMPLES));
            p[1] = encode(sum.g / (SAMPLES * SAMPLES));
            p[2] = encode(sum.b / (SAMPLES * SAMPLES));
        }
    }
}
