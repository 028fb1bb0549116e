// headset-probe: exit code 0 where the active OpenXR runtime has a headset ready, else 1 and the
// reason on standard error. demo.sh asks it before it chooses between a real headset and the
// simulated one.
#include <stdio.h>
#include <stdlib.h>
#include <openxr/openxr.h>

static int refuse(const char *what, XrResult result)
{
    fprintf(stderr, "headset-probe: %s (OpenXR result %d)\n", what, result);
    return 1;
}

int main(void)
{
    XrInstanceCreateInfo create = {.type = XR_TYPE_INSTANCE_CREATE_INFO,
                                   .applicationInfo = {.applicationName = "headset-probe",
                                                       .apiVersion = XR_MAKE_VERSION(1, 0, 0)}};
    XrSystemGetInfo wanted = {.type = XR_TYPE_SYSTEM_GET_INFO,
                              .formFactor = XR_FORM_FACTOR_HEAD_MOUNTED_DISPLAY};
    XrInstance instance;
    XrSystemId system;

    setenv("XR_LOADER_DEBUG", "none", 0); // one line says it, below
    XrResult result = xrCreateInstance(&create, &instance);
    if (XR_FAILED(result))
        return refuse("no OpenXR runtime answers", result);
    result = xrGetSystem(instance, &wanted, &system);
    xrDestroyInstance(instance);
    return XR_FAILED(result) ? refuse("the OpenXR runtime has no headset", result) : 0;
}
