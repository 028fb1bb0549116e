#include "viewer/media_clock.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/mem.h"

// A difference above this is not noise but another place: taken over at once.
#define JUMP_NS (100 * NS_PER_MS)
// A small difference is worked off over this time, or longer where it would bend the clock's speed
// by more than SLEW_MAX.
#define SLEW_NS (500 * NS_PER_MS)
#define SLEW_MAX 0.05
// The sound card's clock against ours: learned by integrating what is left of the difference. With
// SLEW_NS as the proportional part, a gain of 1 per s^2 is critically damped: differences fade with
// a time constant of 1 s. Differences above DRIFT_FROM_NS are no drift and teach nothing.
#define DRIFT_GAIN 1.0
#define DRIFT_FROM_NS (20 * NS_PER_MS)
#define DRIFT_MAX 0.03
#define DRIFT_STEP_NS (100 * NS_PER_MS)

// media(t) = media_ns + (t - at_ns) * speed * (1 + drift) + error_ns * ramp, where ramp goes from 0
// at at_ns to 1 at at_ns + slew_ns. Continuous and, since drift and slew are small, never running
// backwards.
struct state {
    int64_t media_ns, at_ns, error_ns, slew_ns;
    double speed, drift;
    bool running, paused;
};

struct slot {
    _Atomic int64_t media_ns, at_ns, error_ns, slew_ns;
    _Atomic double speed, drift;
    atomic_bool running, paused;
};

// The state is published in two slots in turn: `version` counts, its last bit names the slot to be
// read. A reader copies and is content where `version` stood still; one that was overtaken copies
// again, and none ever waits for a writer that lost its core in the middle. All accesses are
// sequentially consistent, so no fences are needed.
struct media_clock {
    pthread_mutex_t writers;
    struct state now; // guarded by writers
    _Atomic unsigned version;
    struct slot slots[2];
};

struct media_clock *media_clock_create(void)
{
    struct media_clock *c = mem_new(1, sizeof(*c));

    pthread_mutex_init(&c->writers, NULL);
    media_clock_set_speed(c, 1);
    return c;
}

void media_clock_destroy(struct media_clock **clock)
{
    if (!*clock)
        return;
    pthread_mutex_destroy(&(*clock)->writers);
    mem_free(*clock);
    *clock = NULL;
}

static void publish(struct media_clock *c)
{
    struct slot *slot = &c->slots[(c->version + 1) & 1];

    slot->media_ns = c->now.media_ns;
    slot->at_ns = c->now.at_ns;
    slot->error_ns = c->now.error_ns;
    slot->slew_ns = c->now.slew_ns;
    slot->speed = c->now.speed;
    slot->drift = c->now.drift;
    slot->running = c->now.running;
    slot->paused = c->now.paused;
    c->version++;
}

static struct state snapshot(const struct media_clock *c)
{
    struct state s;
    unsigned version;

    do {
        const struct slot *slot;

        version = c->version;
        slot = &c->slots[version & 1];
        s.media_ns = slot->media_ns;
        s.at_ns = slot->at_ns;
        s.error_ns = slot->error_ns;
        s.slew_ns = slot->slew_ns;
        s.speed = slot->speed;
        s.drift = slot->drift;
        s.running = slot->running;
        s.paused = slot->paused;
    } while (version != c->version);
    return s;
}

static int64_t media_at(const struct state *s, int64_t time_ns)
{
    int64_t elapsed_ns = time_ns - s->at_ns;
    int64_t media_ns;

    if (s->paused)
        return s->media_ns;
    media_ns =
        s->media_ns + elapsed_ns + (int64_t)((double)elapsed_ns * (s->speed * (1 + s->drift) - 1));
    if (s->error_ns == 0 || elapsed_ns <= 0)
        return media_ns;
    if (elapsed_ns >= s->slew_ns)
        return media_ns + s->error_ns;
    return media_ns + (int64_t)((double)s->error_ns * (double)elapsed_ns / (double)s->slew_ns);
}

// Media time is media_ns at at_ns; nothing is left to be worked off.
static void rebase(struct state *s, int64_t media_ns, int64_t at_ns)
{
    s->media_ns = media_ns;
    s->at_ns = at_ns;
    s->error_ns = 0;
    s->slew_ns = SLEW_NS;
}

void media_clock_start(struct media_clock *clock, int64_t media_ns, int64_t at_ns)
{
    pthread_mutex_lock(&clock->writers);
    rebase(&clock->now, media_ns, at_ns);
    clock->now.drift = 0;
    clock->now.running = true;
    publish(clock);
    pthread_mutex_unlock(&clock->writers);
}

static double limit(double value, double most)
{
    return value > most ? most : value < -most ? -most : value;
}

static void correct(struct state *s, int64_t media_ns, int64_t at_ns)
{
    int64_t model_ns = media_at(s, at_ns);
    int64_t error_ns = media_ns - model_ns;
    double late_ns = (double)error_ns / s->speed, magnitude_ns = late_ns < 0 ? -late_ns : late_ns;
    int64_t step_ns = at_ns - s->at_ns;

    if (magnitude_ns > JUMP_NS) {
        rebase(s, media_ns, at_ns);
        return;
    }
    if (step_ns < 0) // out of order: the state describes a later moment already
        return;
    if (step_ns > DRIFT_STEP_NS)
        step_ns = DRIFT_STEP_NS;
    if (magnitude_ns < DRIFT_FROM_NS)
        s->drift += DRIFT_GAIN * (late_ns / NS_PER_S) * ((double)step_ns / NS_PER_S);
    s->drift = limit(s->drift, DRIFT_MAX);
    rebase(s, model_ns, at_ns);
    s->error_ns = error_ns;
    if (magnitude_ns > SLEW_MAX * SLEW_NS)
        s->slew_ns = (int64_t)(magnitude_ns / SLEW_MAX);
}

void media_clock_correct(struct media_clock *clock, int64_t media_ns, int64_t at_ns)
{
    // called from the audio callback, which must not wait: the next correction is 20 ms away
    if (pthread_mutex_trylock(&clock->writers) != 0)
        return;
    if (clock->now.running && !clock->now.paused) {
        correct(&clock->now, media_ns, at_ns);
        publish(clock);
    }
    pthread_mutex_unlock(&clock->writers);
}

void media_clock_stop(struct media_clock *clock)
{
    pthread_mutex_lock(&clock->writers);
    clock->now.running = false;
    publish(clock);
    pthread_mutex_unlock(&clock->writers);
}

void media_clock_pause(struct media_clock *clock, bool paused)
{
    int64_t now_ns = clock_now_ns();

    pthread_mutex_lock(&clock->writers);
    if (paused != clock->now.paused) {
        rebase(&clock->now, media_at(&clock->now, now_ns), now_ns);
        clock->now.paused = paused;
        publish(clock);
    }
    pthread_mutex_unlock(&clock->writers);
}

void media_clock_set_speed(struct media_clock *clock, double speed)
{
    int64_t now_ns = clock_now_ns();

    pthread_mutex_lock(&clock->writers);
    rebase(&clock->now, media_at(&clock->now, now_ns), now_ns);
    clock->now.speed = speed;
    publish(clock);
    pthread_mutex_unlock(&clock->writers);
}

double media_clock_speed(const struct media_clock *clock)
{
    return snapshot(clock).speed;
}

bool media_clock_paused(const struct media_clock *clock)
{
    return snapshot(clock).paused;
}

int64_t media_clock_at(const struct media_clock *clock, int64_t time_ns)
{
    struct state s = snapshot(clock);

    return s.running ? media_at(&s, time_ns) : CLOCK_NONE;
}
