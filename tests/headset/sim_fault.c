#include "tests/headset/sim_fault.h"

#include <stdio.h>
#include <string.h>

#include "tests/headset/sim_instance.h"

static char failing[64], hanging[64];
static int failures;

void sim_fault_fail(const char *function, int times)
{
    snprintf(failing, sizeof failing, "%s", function);
    failures = times;
}

void sim_fault_hang(const char *function)
{
    snprintf(hanging, sizeof hanging, "%s", function);
}

void sim_fault_reset(void)
{
    failing[0] = hanging[0] = '\0';
}

bool sim_fault_fails(const char *function)
{
    return failures > 0 && !strcmp(function, failing) && failures--;
}

void sim_fault_wait(const char *function)
{
    while (!strcmp(function, hanging))
        monitor_wait(&sim_monitor);
}
