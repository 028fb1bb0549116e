// Paths: texts like /user/hand/left, numbered as they are first named.
#include "tests/headset/sim_instance.h"

#include <string.h>

#include "base/mem.h"

#define PATHS 1024

static char *texts[PATHS]; // XrPath is the index + 1
static int used;

// "Path Strings" of the specification: lower case letters, digits, - _ . and /, and no empty level
static bool well_formed(const char *text)
{
    size_t length = strlen(text);
    if (length < 2 || length >= XR_MAX_PATH_LENGTH || text[0] != '/' || text[length - 1] == '/')
        return false;
    if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_./") != length || strstr(text, "//"))
        return false;
    for (const char *level = text; level; level = strchr(level, '/')) {
        level++;
        size_t n = strcspn(level, "/");
        if (strspn(level, ".") >= n) // nothing but dots
            return false;
    }
    return true;
}

XrResult sim_path_from_text(const char *text, XrPath *out)
{
    if (!text || !out)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null", "an argument is NULL");
    if (!well_formed(text))
        return sim_wrong(XR_ERROR_PATH_FORMAT_INVALID, "path_format",
                         "\"%.100s\" is not a well-formed path", text);
    for (int n = 0; n < used; n++) {
        if (!strcmp(texts[n], text)) {
            *out = (XrPath)(n + 1);
            return XR_SUCCESS;
        }
    }
    if (used == PATHS)
        return sim_wrong(XR_ERROR_PATH_COUNT_EXCEEDED, "path_count", "more than %d paths", PATHS);
    texts[used++] = mem_strdup(text);
    *out = (XrPath)used;
    return XR_SUCCESS;
}

const char *sim_path_text(XrPath path)
{
    return path >= 1 && path <= (XrPath)used ? texts[path - 1] : NULL;
}

XRAPI_ATTR XrResult XRAPI_CALL xrStringToPath(XrInstance instance, const char *text, XrPath *path)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = sim_path_from_text(text, path);
    return sim_leave(result);
}

static XrResult copy_text(XrPath path, uint32_t capacity, uint32_t *count, char *buffer)
{
    const char *text = sim_path_text(path);
    if (!text)
        return sim_wrong(XR_ERROR_PATH_INVALID, "path", "%llu is no path",
                         (unsigned long long)path);
    bool fill;
    SIM_TRY(sim_check_two_call(capacity, count, buffer, (uint32_t)strlen(text) + 1, &fill));
    if (fill)
        memcpy(buffer, text, strlen(text) + 1);
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrPathToString(XrInstance instance, XrPath path, uint32_t capacity,
                                              uint32_t *count, char *buffer)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = copy_text(path, capacity, count, buffer);
    return sim_leave(result);
}
