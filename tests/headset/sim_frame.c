#include "tests/headset/sim_frame.h"

#include <math.h>

#include "base/clock.h"
#include "tests/headset/sim_capture.h"
#include "tests/headset/sim_config.h"
#include "tests/headset/sim_layer.h"
#include "tests/headset/sim_report.h"
#include "tests/headset/sim_script.h"
#include "tests/headset/sim_session.h"

// How long a second xrWaitFrame blocks for the xrBeginFrame of the first. The specification says
// forever.
#define BLOCK_NS (5 * NS_PER_S)

static double rate_hz; // 0: as configured
static int64_t stall_ns;

static double current_rate(void)
{
    return rate_hz > 0 ? rate_hz : sim_config()->rate_hz;
}

void sim_frames_reset(struct sim_frames *f)
{
    struct sim_commands probe = f->probe;
    *f = (struct sim_frames){.probe = probe, .base_ns = clock_now_ns(), .counted_index = -1};
    f->period_ns = (int64_t)(NS_PER_S / current_rate());
}

void sim_frames_finish(struct sim_session *s)
{
    sim_commands_destroy(&s->vk, &s->frames.probe);
}

static int64_t start_of(const struct sim_frames *f, int64_t index)
{
    return f->base_ns + (index - f->base_index) * f->period_ns;
}

int64_t sim_frames_between(const struct sim_frames *f, int64_t after_ns)
{
    int64_t index = f->last_index + 1;
    while (start_of(f, index) < clock_now_ns() + after_ns)
        index++;
    return start_of(f, index);
}

void sim_frames_set_rate(struct sim_session *s, double hz)
{
    double before = current_rate();
    rate_hz = hz;
    if (!s || before == hz)
        return;
    struct sim_frames *f = &s->frames;
    f->base_ns = start_of(f, f->last_index + 1);
    f->base_index = f->last_index + 1;
    f->period_ns = (int64_t)(NS_PER_S / hz);
    sim_report_event("rate", "%g Hz", hz);
    if (!s->instance->has_refresh_rate)
        return;
    XrEventDataDisplayRefreshRateChangedFB event = {
        XR_TYPE_EVENT_DATA_DISPLAY_REFRESH_RATE_CHANGED_FB, NULL, (float)before, (float)hz};
    sim_event_push(&event, sizeof event);
}

void sim_frames_stall(int64_t ns)
{
    stall_ns = ns;
}

// The next period that leaves the application at least half a period.
static struct sim_frame next_frame(const struct sim_frames *f)
{
    struct sim_frame frame = {.index = f->last_index + 1};
    int64_t now = clock_now_ns(), compose = sim_config()->compose_ns;
    int64_t behind = now + f->period_ns / 2 - (start_of(f, frame.index) - compose);
    if (behind > 0)
        frame.index += (behind + f->period_ns - 1) / f->period_ns;
    frame.deadline_ns = start_of(f, frame.index) - compose;
    frame.display_ns = start_of(f, frame.index) + f->period_ns / 2;
    return frame;
}

// Sleeps with the lock given back. Gives the session's state then.
static XrResult sleep_until(XrSession handle, int64_t until_ns, struct sim_session **s)
{
    XrResult result = XR_SUCCESS;
    while (result == XR_SUCCESS && (*s)->running && clock_now_ns() < until_ns) {
        monitor_wait_until(&sim_monitor, until_ns);
        result = sim_session_again(handle, s);
    }
    return result;
}

static XrResult wait_for_begin(XrSession handle, struct sim_session **s)
{
    int64_t until = clock_now_ns() + BLOCK_NS;
    XrResult result = XR_SUCCESS;
    while (result == XR_SUCCESS && (*s)->running && (*s)->frames.waited) {
        bool in_time = monitor_wait_until(&sim_monitor, until);
        result = sim_session_again(handle, s);
        if (result == XR_SUCCESS && !in_time && (*s)->frames.waited)
            return sim_wrong(
                XR_ERROR_RUNTIME_FAILURE, "wait_frame_blocks",
                "the frame waited for last was never begun: this call would block for ever");
    }
    return result;
}

static XrResult not_running(void)
{
    return sim_wrong(XR_ERROR_SESSION_NOT_RUNNING, "session_not_running",
                     "the session does not run");
}

static void look_at_probe(struct sim_session *s)
{
    struct sim_frames *f = &s->frames;
    if (!f->probe.pending || sim_commands_finished(&s->vk, &f->probe, 0) ||
        clock_now_ns() < f->probe_deadline_ns)
        return;
    if (f->probe_deadline_ns > 0 && !f->disturbed)
        sim_report_counts()->gpu_late++;
    f->probe_deadline_ns = INT64_MAX;
}

static XrResult wait_frame(XrSession handle, struct sim_session **s, const XrFrameWaitInfo *info,
                           XrFrameState *out)
{
    SIM_TRY(sim_check_optional(info, XR_TYPE_FRAME_WAIT_INFO, "XrFrameWaitInfo"));
    SIM_TRY(sim_check_struct(out, XR_TYPE_FRAME_STATE, "XrFrameState"));
    if (!(*s)->running)
        return not_running();
    SIM_TRY(wait_for_begin(handle, s));
    if (!(*s)->running)
        return not_running();
    if (stall_ns) {
        int64_t until = clock_now_ns() + stall_ns;
        stall_ns = 0;
        (*s)->frames.disturbed = true;
        SIM_TRY(sleep_until(handle, until, s));
    }
    struct sim_frame frame = next_frame(&(*s)->frames);
    SIM_TRY(sleep_until(handle, frame.deadline_ns - (*s)->frames.period_ns, s));
    if (!(*s)->running)
        return not_running();
    struct sim_frames *f = &(*s)->frames;
    look_at_probe(*s);
    frame.woken_ns = clock_now_ns();
    frame.should_render = sim_session_visible(*s);
    f->waiting = frame;
    f->waited = true;
    f->last_index = frame.index;
    sim_report_counts()->frames_waited++;
    sim_report_counts()->frames_not_to_render += !frame.should_render;
    out->predictedDisplayTime = sim_time_from_ns(frame.display_ns);
    out->predictedDisplayPeriod = f->period_ns;
    out->shouldRender = frame.should_render;
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrWaitFrame(XrSession session, const XrFrameWaitInfo *info,
                                           XrFrameState *state)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = wait_frame(session, &s, info, state);
    return sim_session_leave(s, result);
}

static XrResult begin_frame(struct sim_session *s, const XrFrameBeginInfo *info)
{
    SIM_TRY(sim_check_optional(info, XR_TYPE_FRAME_BEGIN_INFO, "XrFrameBeginInfo"));
    struct sim_frames *f = &s->frames;
    if (!s->running)
        return not_running();
    if (!f->waited)
        return sim_wrong(XR_ERROR_CALL_ORDER_INVALID, "begin_without_wait",
                         "no frame was waited for");
    bool discarded = f->begun;
    f->waited = false;
    f->begun = true;
    f->current = f->waiting;
    monitor_changed(&sim_monitor);
    sim_report_counts()->frames_discarded += discarded;
    return discarded ? XR_FRAME_DISCARDED : XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrBeginFrame(XrSession session, const XrFrameBeginInfo *info)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = begin_frame(s, info);
    return sim_session_leave(s, result);
}

// Whether the frame came in time, for the statistics of periods: from the first frame with layers
// on, while the session is visible, and not where we disturbed the loop ourselves.
static bool count_frame(struct sim_session *s, const struct sim_layers *layers)
{
    struct sim_frames *f = &s->frames;
    struct sim_counts *c = sim_report_counts();
    bool in_time = f->ended_ns <= f->current.deadline_ns;
    bool busy = s->capture && sim_capture_busy(s->capture);
    if (!f->current.should_render || (f->counted_index < 0 && !layers->count)) {
        f->counted_index = -1;
        return in_time;
    }
    int64_t skipped = f->counted_index < 0 ? 0 : f->current.index - f->counted_index - 1;
    f->counted_index = f->current.index;
    if (busy || f->disturbed) {
        c->periods_excluded += skipped + 1;
        f->disturbed = busy; // the frame after it suffers, too
        return in_time;
    }
    c->periods += skipped + 1;
    c->missed_periods += skipped;
    c->submits_in_time += in_time;
    c->late += !in_time;
    double ms = (double)(f->ended_ns - f->current.woken_ns) / NS_PER_MS;
    if (ms > c->wait_to_submit_max_ms)
        c->wait_to_submit_max_ms = ms;
    return in_time;
}

static void probe_gpu(struct sim_session *s, bool in_time)
{
    struct sim_frames *f = &s->frames;
    if (!f->probe.pool && !sim_commands_create(&s->vk, &f->probe))
        return;
    if (!sim_commands_finished(&s->vk, &f->probe, 0) || !sim_commands_begin(&s->vk, &f->probe))
        return;
    sim_commands_submit(&s->vk, &f->probe);
    f->probe_deadline_ns = in_time ? f->current.deadline_ns : INT64_MAX;
}

static XrResult check_end(struct sim_session *s, const XrFrameEndInfo *info)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_FRAME_END_INFO, "XrFrameEndInfo"));
    struct sim_frames *f = &s->frames;
    if (!s->running)
        return not_running();
    if (!f->begun)
        return sim_wrong(XR_ERROR_CALL_ORDER_INVALID, "end_without_begin", "no frame was begun");
    SIM_TRY(sim_check_time(info->displayTime, "displayTime"));
    if (info->environmentBlendMode != XR_ENVIRONMENT_BLEND_MODE_OPAQUE)
        return sim_wrong(XR_ERROR_ENVIRONMENT_BLEND_MODE_UNSUPPORTED, "blend_mode",
                         "mode %d was not enumerated", (int)info->environmentBlendMode);
    int64_t off = sim_time_to_ns(info->displayTime) - f->current.display_ns;
    if (off > f->period_ns * 5 / 2 || off < -f->period_ns / 2)
        sim_report_note("display_time", "displayTime is %.3f ms from the predicted one",
                        (double)off / NS_PER_MS);
    return XR_SUCCESS;
}

static XrResult end_frame(struct sim_session *s, const XrFrameEndInfo *info)
{
    int64_t now = clock_now_ns();
    SIM_TRY(check_end(s, info));
    struct sim_layers layers;
    SIM_TRY(sim_layers_read(s, info, &layers));
    struct sim_frames *f = &s->frames;
    struct sim_counts *c = sim_report_counts();
    f->begun = false;
    f->ended_ns = now;
    c->frames_submitted++;
    c->frames_with_layers += layers.count > 0;
    if (layers.count > 0)
        sim_script_content(now);
    bool in_time = count_frame(s, &layers);
    bool changed = sim_layers_changed(&layers);
    c->distinct_images_shown += changed;
    if (changed)
        probe_gpu(s, in_time);
    if (s->capture)
        sim_capture_frame(s->capture, &f->current, &layers, now, in_time, changed);
    sim_session_frame_ended(s);
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrEndFrame(XrSession session, const XrFrameEndInfo *info)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = end_frame(s, info);
    return sim_session_leave(s, result);
}

// XR_FB_display_refresh_rate

static const float rates[] = {60, 72, 80, 90, 120};
#define RATES (sizeof rates / sizeof *rates)

XRAPI_ATTR XrResult XRAPI_CALL xrEnumerateDisplayRefreshRatesFB(XrSession session,
                                                                uint32_t capacity, uint32_t *count,
                                                                float *out)
{
    struct sim_session *s;
    bool fill = false;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = sim_check_two_call(capacity, count, out, RATES, &fill);
    for (size_t r = 0; fill && r < RATES; r++)
        out[r] = rates[r];
    return sim_session_leave(s, result);
}

XRAPI_ATTR XrResult XRAPI_CALL xrGetDisplayRefreshRateFB(XrSession session, float *out)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result) && !out)
        result = sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null", "the rate output is NULL");
    if (XR_SUCCEEDED(result))
        *out = (float)current_rate();
    return sim_session_leave(s, result);
}

XRAPI_ATTR XrResult XRAPI_CALL xrRequestDisplayRefreshRateFB(XrSession session, float rate)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_FAILED(result))
        return sim_session_leave(s, result);
    if (rate == 0)
        return sim_session_leave(s, XR_SUCCESS);
    for (size_t r = 0; r < RATES; r++) {
        if (fabsf(rates[r] - rate) < 0.01f) {
            sim_frames_set_rate(s, rates[r]);
            return sim_session_leave(s, XR_SUCCESS);
        }
    }
    return sim_session_leave(s, sim_wrong(XR_ERROR_DISPLAY_REFRESH_RATE_UNSUPPORTED_FB,
                                          "refresh_rate", "%g Hz was not enumerated", rate));
}
