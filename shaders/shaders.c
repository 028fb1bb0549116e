#include "shaders/shaders.h"

static const uint32_t eyes_vert[] =
#include "eyes.vert.spv.h"
    ;
static const uint32_t eyes_frag[] =
#include "eyes.frag.spv.h"
    ;

const struct shader shader_eyes_vert = {eyes_vert, sizeof(eyes_vert)};
const struct shader shader_eyes_frag = {eyes_frag, sizeof(eyes_frag)};
