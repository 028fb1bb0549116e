// The strict side: every wrong use is an error code for the caller, a line on standard error and an
// entry of the report, under the name of the rule that it breaks.
//
// Thread-safety: call with the runtime's lock held (sim_lock()).
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <openxr/openxr.h>

// Records a violation and gives `result` back, so that a check can say `return sim_wrong(...)`.
// rule: a short lasting name, a literal. The text says which value was wrong and what the
// specification wants.
__attribute__((format(printf, 3, 4))) XrResult sim_wrong(XrResult result, const char *rule,
                                                         const char *format, ...);
// The name of the function under way, for messages. Set by the enter functions.
void sim_check_function(const char *name);
const char *sim_check_function_name(void);

// The pointer is there, has the type, and its chain holds only structures that may extend it and
// whose extension is offered. A foreign structure in the chain is recorded and passed over, as the
// specification asks of a runtime.
XrResult sim_check_struct(const void *structure, XrStructureType type, const char *name);
// The same where NULL is allowed.
XrResult sim_check_optional(const void *structure, XrStructureType type, const char *name);
// The first structure of this type in the chain that starts at `next`; NULL where there is none.
const void *sim_check_chained(const void *next, XrStructureType type);
// XR_ERROR_POSE_INVALID unless finite and within 1 % of unit length.
XrResult sim_check_pose(const XrPosef *pose, const char *what);
// XR_ERROR_TIME_INVALID unless positive.
XrResult sim_check_time(XrTime time, const char *what);
// The two-call idiom: sets *count; SIZE_INSUFFICIENT where capacity is not 0 and too small; *fill
// says whether the caller now writes `needed` elements.
XrResult sim_check_two_call(uint32_t capacity, uint32_t *count, const void *elements,
                            uint32_t needed, bool *fill);

// Returns from the enclosing function where a check fails.
#define SIM_TRY(check)                                                                             \
    do {                                                                                           \
        XrResult sim_try_result = (check);                                                         \
        if (XR_FAILED(sim_try_result))                                                             \
            return sim_try_result;                                                                 \
    } while (0)
