#include "tests/headset/sim_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/headset/sim_config.h"
#include "tests/headset/sim_fault.h"
#include "tests/headset/sim_frame.h"
#include "tests/headset/sim_head.h"
#include "tests/headset/sim_input.h"
#include "tests/headset/sim_report.h"
#include "tests/headset/sim_session.h"
#include "tests/headset/sim_space.h"
#include "tests/headset/sim_swapchain.h"

#define EVENTS 256
#define DEGREES (3.14159265358979323846 / 180)

enum since { SINCE_CONTENT, SINCE_INSTANCE };

struct scripted {
    enum since since;
    double at_s;
    char name[32];
    char arguments[224]; // "key=value key=value"
    bool done;
};

static struct scripted events[EVENTS];
static int event_count;
static bool is_read;
static int64_t content_ns = CLOCK_NONE, instance_ns = CLOCK_NONE;

// The text after "key="; NULL where there is none.
static const char *argument(const struct scripted *e, const char *key)
{
    size_t n = strlen(key);
    for (const char *p = e->arguments; (p = strstr(p, key)); p += n)
        if ((p == e->arguments || p[-1] == ' ') && p[n] == '=')
            return p + n + 1;
    return NULL;
}

static double number(const struct scripted *e, const char *key, double fallback)
{
    const char *text = argument(e, key);
    return text ? strtod(text, NULL) : fallback;
}

static int64_t seconds(const struct scripted *e, const char *key, double fallback)
{
    return (int64_t)(number(e, key, fallback) * NS_PER_S);
}

static struct sim_session *session(void)
{
    struct sim_instance *i = sim_instance_current();
    return i ? i->session : NULL;
}

// What each event does. Arguments are in README.md.

static void take_off(const struct scripted *e)
{
    sim_session_set_worn(session(), false);
}

static void put_on(const struct scripted *e)
{
    sim_session_set_worn(session(), true);
}

static void focus(const struct scripted *e)
{
    sim_session_allow(XR_SESSION_STATE_FOCUSED);
}

static void doff(const struct scripted *e)
{
    take_off(e);
    sim_session_allow(XR_SESSION_STATE_SYNCHRONIZED);
}

static void don(const struct scripted *e)
{
    put_on(e);
    focus(e);
}

static void unfocus(const struct scripted *e)
{
    sim_session_allow(XR_SESSION_STATE_VISIBLE);
}

static void stop(const struct scripted *e)
{
    sim_session_allow(XR_SESSION_STATE_IDLE);
}

static void ask_exit(const struct scripted *e)
{
    if (session())
        sim_session_ask_exit(session());
}

static void lose_session(const struct scripted *e)
{
    if (session())
        sim_session_lose(session(), seconds(e, "grace", 0));
}

static void lose_instance(const struct scripted *e)
{
    if (sim_instance_current())
        sim_instance_lose(sim_instance_current(), seconds(e, "in", 0), seconds(e, "down", 0));
}

static void unplug(const struct scripted *e)
{
    sim_instance_set_headset(false);
}

static void plug(const struct scripted *e)
{
    sim_instance_set_headset(true);
}

static void recenter(const struct scripted *e)
{
    struct sim_session *s = session();
    sim_space_recenter(s, s ? sim_frames_between(&s->frames, 30 * NS_PER_MS) : clock_now_ns());
}

static void move_head(const struct scripted *e)
{
    struct pose rest = {
        quat_multiply(quat_about(0, 1, 0, number(e, "yaw", 0) * DEGREES),
                      quat_multiply(quat_about(1, 0, 0, number(e, "pitch", 0) * DEGREES),
                                    quat_about(0, 0, 1, number(e, "roll", 0) * DEGREES))),
        {number(e, "x", 0), number(e, "y", 0), number(e, "z", 0)},
    };
    sim_head_set_rest(rest);
}

static void sway(const struct scripted *e)
{
    sim_head_set_motion((struct sim_motion){number(e, "amp", 0.05), number(e, "yaw", 5) * DEGREES,
                                            number(e, "period", 4)});
}

static void still(const struct scripted *e)
{
    sim_head_set_motion((struct sim_motion){0});
}

static void stall(const struct scripted *e)
{
    sim_frames_stall((int64_t)(number(e, "ms", 200) * NS_PER_MS));
}

static void rate(const struct scripted *e)
{
    double hz = number(e, "hz", 0);
    if (hz >= 20 && hz <= 240)
        sim_frames_set_rate(session(), hz);
}

static void control(const struct scripted *e)
{
    char path[XR_MAX_PATH_LENGTH] = "";
    const char *text = argument(e, "path");
    if (text && sscanf(text, "%255s", path) == 1)
        sim_input_set(path, number(e, "x", strcmp(e->name, "press") == 0), number(e, "y", 0));
}

static void controllers_on(const struct scripted *e)
{
    sim_input_set_present(true);
}

static void controllers_off(const struct scripted *e)
{
    sim_input_set_present(false);
}

static void hold_images(const struct scripted *e)
{
    sim_swapchain_hold((int)number(e, "n", 1));
}

// The function that is named; "": none.
static void call_of(const struct scripted *e, char out[64])
{
    const char *text = argument(e, "call");
    out[0] = '\0';
    if (text)
        sscanf(text, "%63s", out);
}

static void fail(const struct scripted *e)
{
    char call[64];
    call_of(e, call);
    sim_fault_fail(call, (int)number(e, "n", 1));
}

static void hang(const struct scripted *e)
{
    char call[64];
    call_of(e, call);
    sim_fault_hang(call);
}

static const struct {
    const char *name;
    void (*happen)(const struct scripted *e);
} kinds[] = {
    {"doff", doff},
    {"don", don},
    {"unfocus", unfocus},
    {"take_off", take_off},
    {"put_on", put_on},
    {"focus", focus},
    {"stop", stop},
    {"resume", focus},
    {"exit", ask_exit},
    {"session_lost", lose_session},
    {"instance_lost", lose_instance},
    {"no_headset", unplug},
    {"headset", plug},
    {"recenter", recenter},
    {"head", move_head},
    {"sway", sway},
    {"still", still},
    {"stall", stall},
    {"rate", rate},
    {"press", control},
    {"release", control},
    {"axis", control},
    {"controllers_on", controllers_on},
    {"controllers_off", controllers_off},
    {"hold_images", hold_images},
    {"fail", fail},
    {"hang", hang},
};

static void happen(struct scripted *e)
{
    e->done = true;
    sim_report_event("script", "%s %s", e->name, e->arguments);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (!strcmp(kinds[k].name, e->name))
            kinds[k].happen(e);
}

static bool known(const char *name)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (!strcmp(kinds[k].name, name))
            return true;
    return false;
}

// "AT NAME ARGUMENTS", AT: seconds since the first layers, "+seconds" since the first instance,
// "start".
static bool read_event(const char *text, struct scripted *e)
{
    char at[32] = "";
    *e = (struct scripted){0};
    if (sscanf(text, " %31s %31s %223[^\n]", at, e->name, e->arguments) < 2 || !known(e->name))
        return false;
    if (!strcmp(at, "start")) {
        e->since = SINCE_INSTANCE;
        return true;
    }
    char *end;
    e->since = at[0] == '+' ? SINCE_INSTANCE : SINCE_CONTENT;
    e->at_s = strtod(at, &end);
    return *end == 0;
}

static void read_script(void)
{
    is_read = true;
    const char *script = sim_config()->script;
    for (const char *p = script; p && *p;) {
        char line[320];
        size_t n = strcspn(p, ";\n");
        snprintf(line, sizeof line, "%.*s", (int)(n < sizeof line ? n : sizeof line - 1), p);
        p += n + (p[n] != 0);
        line[strcspn(line, "#")] = 0;
        if (!line[strspn(line, " \t\r")])
            continue;
        if (event_count < EVENTS && read_event(line, &events[event_count]))
            event_count++;
        else
            fprintf(stderr,
                    "sim_headset: SIM_SCRIPT: \"%s\" is not understood and does not happen\n",
                    line);
    }
}

void sim_script_start(void)
{
    if (!is_read)
        read_script();
    if (instance_ns == CLOCK_NONE)
        instance_ns = clock_now_ns();
    sim_script_step();
}

void sim_script_content(int64_t now_ns)
{
    if (content_ns == CLOCK_NONE) {
        content_ns = now_ns;
        sim_report_event("content", "first layers submitted");
    }
}

int64_t sim_script_content_ns(void)
{
    return content_ns;
}

static bool due(const struct scripted *e, int64_t now_ns)
{
    int64_t zero = e->since == SINCE_CONTENT ? content_ns : instance_ns;
    return zero != CLOCK_NONE && now_ns - zero >= (int64_t)(e->at_s * NS_PER_S);
}

void sim_script_step(void)
{
    int64_t now = clock_now_ns();
    for (int n = 0; n < event_count; n++)
        if (!events[n].done && due(&events[n], now))
            happen(&events[n]);
    struct sim_instance *i = sim_instance_current();
    if (i && i->lost_at_ns && now >= i->lost_at_ns && !i->lost)
        sim_instance_lose(i, 0, 0);
    if (i && i->session)
        sim_session_tick(i->session);
}

void sim_script_reset(void)
{
    event_count = 0;
    is_read = false;
    content_ns = instance_ns = CLOCK_NONE;
    sim_session_allow(XR_SESSION_STATE_FOCUSED);
    sim_session_set_worn(NULL, true);
    sim_instance_set_headset(true);
    sim_frames_set_rate(NULL, 0);
    sim_frames_stall(0);
    sim_swapchain_hold(0);
    sim_fault_reset();
    sim_head_reset();
    sim_space_reset();
    sim_input_reset();
}
