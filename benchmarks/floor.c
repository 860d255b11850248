/* The floor: how late this machine wakes a C program that does nothing but wait for moments to come.
 *
 * floor SECONDS PRIORITY SEED   PRIORITY 0 is ordinary; above, SCHED_FIFO at that priority.
 * Sleeps to absolute moments 5 to 60 ms apart and prints each wake-up's lateness in nanoseconds.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

enum { LONGEST = 1 << 20 };
static int64_t late[LONGEST];

static int64_t now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    const double seconds = atof(argv[1]);
    const struct sched_param wish = {.sched_priority = atoi(argv[2])};
    srandom((unsigned)atoi(argv[3]));
    prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
    if (wish.sched_priority > 0 && sched_setscheduler(0, SCHED_FIFO, &wish) != 0)
        return 3;
    mlockall(MCL_CURRENT | MCL_FUTURE);

    const int64_t end = now() + (int64_t)(seconds * 1e9);
    int64_t due = now();
    int count = 0;
    while (count < LONGEST) {
        due += 5000000 + random() % 55000000;
        if (due > end)
            break;
        const struct timespec moment = {due / 1000000000, due % 1000000000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL) != 0)
            ;
        late[count++] = now() - due;
    }
    for (int i = 0; i < count; i++)
        printf("%lld\n", (long long)late[i]);
    return 0;
}
