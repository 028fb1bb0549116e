// As much of the CUDA driver as FFmpeg wants of it to decode, on the processor: see nvdec_twin.h.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NOT_SUPPORTED 801
#define DONE(name, ...)                                                                            \
    int name(__VA_ARGS__);                                                                         \
    int name(__VA_ARGS__)
// FFmpeg loads it, and does not call it.
#define UNUSED(name)                                                                               \
    int name(void);                                                                                \
    int name(void)                                                                                 \
    {                                                                                              \
        return NOT_SUPPORTED;                                                                      \
    }

static int context; // its address is the only one's

DONE(cuInit, unsigned flags)
{
    return 0;
}

DONE(cuCtxGetCurrent, void **out)
{
    *out = &context;
    return 0;
}

DONE(cuCtxPushCurrent_v2, void *which)
{
    return which == &context ? 0 : NOT_SUPPORTED;
}

DONE(cuCtxPopCurrent_v2, void **out)
{
    *out = &context;
    return 0;
}

DONE(cuDeviceGetAttribute, int *out, int attribute, int device)
{
    *out = 256; // the alignment of textures is asked for
    return 0;
}

DONE(cuGetErrorName, int error, const char **out)
{
    *out = "CUDA_ERROR_TWIN";
    return 0;
}

DONE(cuGetErrorString, int error, const char **out)
{
    *out = "as the test wants it";
    return 0;
}

UNUSED(cuDeviceGetCount)
UNUSED(cuDeviceGet)
UNUSED(cuDeviceGetName)
UNUSED(cuDeviceComputeCapability)
UNUSED(cuDeviceGetUuid)
UNUSED(cuDeviceGetUuid_v2)
UNUSED(cuDevicePrimaryCtxRetain)
UNUSED(cuDevicePrimaryCtxRelease)
UNUSED(cuDevicePrimaryCtxSetFlags)
UNUSED(cuDevicePrimaryCtxGetState)
UNUSED(cuDevicePrimaryCtxReset)
UNUSED(cuCtxCreate_v2)
UNUSED(cuCtxDestroy_v2)
UNUSED(cuCtxSetLimit)
UNUSED(cuCtxGetDevice)
UNUSED(cuMemAlloc_v2)
UNUSED(cuMemAllocPitch_v2)
UNUSED(cuMemAllocManaged)
UNUSED(cuMemsetD8Async)
UNUSED(cuMemFree_v2)
UNUSED(cuMemcpy)
UNUSED(cuMemcpyAsync)
UNUSED(cuMemcpy2D_v2)
UNUSED(cuMemcpy2DAsync_v2)
UNUSED(cuMemcpyHtoD_v2)
UNUSED(cuMemcpyHtoDAsync_v2)
UNUSED(cuMemcpyDtoH_v2)
UNUSED(cuMemcpyDtoHAsync_v2)
UNUSED(cuMemcpyDtoD_v2)
UNUSED(cuMemcpyDtoDAsync_v2)
UNUSED(cuStreamCreate)
UNUSED(cuStreamQuery)
UNUSED(cuStreamSynchronize)
UNUSED(cuStreamDestroy_v2)
UNUSED(cuStreamAddCallback)
UNUSED(cuStreamWaitEvent)
UNUSED(cuEventCreate)
UNUSED(cuEventDestroy_v2)
UNUSED(cuEventSynchronize)
UNUSED(cuEventQuery)
UNUSED(cuEventRecord)
UNUSED(cuLaunchKernel)
UNUSED(cuLinkCreate)
UNUSED(cuLinkAddData)
UNUSED(cuLinkComplete)
UNUSED(cuLinkDestroy)
UNUSED(cuModuleLoadData)
UNUSED(cuModuleUnload)
UNUSED(cuModuleGetFunction)
UNUSED(cuModuleGetGlobal)
UNUSED(cuTexObjectCreate)
UNUSED(cuTexObjectDestroy)
UNUSED(cuGLGetDevices_v2)
UNUSED(cuGraphicsGLRegisterImage)
UNUSED(cuGraphicsUnregisterResource)
UNUSED(cuGraphicsMapResources)
UNUSED(cuGraphicsUnmapResources)
UNUSED(cuGraphicsSubResourceGetMappedArray)
UNUSED(cuGraphicsResourceGetMappedPointer_v2)
UNUSED(cuArrayCreate_v2)
UNUSED(cuArray3DCreate_v2)
UNUSED(cuArrayDestroy)
