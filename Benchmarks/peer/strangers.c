// Knocks at a coordinator's door, so many times a second, and never gets in.
//
//     cc -O2 strangers.c -lzmq -o strangers
//     strangers ADDRESS COORDINATOR-PUBLIC-KEY PER-SECOND SECONDS KIND
//
// KIND is `key` (a new key every time, through the whole handshake), `revoked` (the same with one key, that of the worker's key file
// whose path is in the environment as KEY_FILE), `server` (a wrong key for the coordinator), or `plain` (no keys). `burn` knocks
// nowhere: it takes as many microseconds of processor time, so many times a second, as the environment says in MICROSECONDS; with
// what a kind takes it is the control that tells what the strangers themselves cost the machine that they share with the coordinator.
// Ends after that time or on SIGTERM, and prints one line of JSON: how many knocked and were refused, and the
// processor seconds that this took here. Takes only what the rest of the machine leaves idle (SCHED_IDLE): strangers have a machine of
// their own, and cost the one that they knock at no more than its answers.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <zmq.h>

static volatile sig_atomic_t is_over = 0;

static void end_it(int signal) {
    (void)signal;
    is_over = 1;
}

static double now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec + 1e-9 * time.tv_nsec;
}

static char public_key[41], secret_key[41];

// The pair of a worker's key file: lines of a name, blanks and 40 characters.
static void read_key(const char *path) {
    char line[256];
    FILE *file = path ? fopen(path, "r") : NULL;
    while (file && fgets(line, sizeof line, file)) {
        sscanf(line, "public %40s", public_key);
        sscanf(line, "secret %40s", secret_key);
    }
    if (!file || strlen(public_key) != 40 || strlen(secret_key) != 40) {
        fprintf(stderr, "strangers: KEY_FILE is to be the path of a worker's key\n");
        exit(64);
    }
    fclose(file);
}

static void burn(double seconds) {
    for (double end = now(CLOCK_THREAD_CPUTIME_ID) + seconds; now(CLOCK_THREAD_CPUTIME_ID) < end && !is_over;) {}
}

// 1 once the handshake has failed, 0 if it has not within the limit, -1 if it succeeded.
static int knock(void *context, const char *address, const char *server, const char *kind, int milliseconds) {
    void *socket = zmq_socket(context, ZMQ_DEALER);
    int zero = 0, result = 0;
    zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero);
    if (strcmp(kind, "plain") != 0) {
        if (strcmp(kind, "revoked") != 0) zmq_curve_keypair(public_key, secret_key);
        zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, strcmp(kind, "server") == 0 ? public_key : server, 40);
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public_key, 40);
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key, 40);
    }
    zmq_socket_monitor(socket, "inproc://events", ZMQ_EVENT_ALL);
    void *events = zmq_socket(context, ZMQ_PAIR);
    zmq_setsockopt(events, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(events, ZMQ_RCVTIMEO, &milliseconds, sizeof milliseconds);
    zmq_connect(events, "inproc://events");
    if (zmq_connect(socket, address) != 0) {
        fprintf(stderr, "strangers: cannot connect to %s: %s\n", address, zmq_strerror(zmq_errno()));
        exit(1);
    }
    uint8_t event[6];
    // Where nobody listens any more, libzmq tells of one attempt after another.
    double end = now(CLOCK_MONOTONIC) + 1e-3 * milliseconds;
    while (result == 0 && !is_over && now(CLOCK_MONOTONIC) < end && zmq_recv(events, event, sizeof event, 0) == 6) {
        uint16_t number;
        memcpy(&number, event, sizeof number);
        zmq_recv(events, NULL, 0, 0);
        if (number & (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH))
            result = 1;
        if (number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) result = -1;
    }
    zmq_close(socket);
    zmq_close(events);
    return result;
}

// One stranger of this kind comes and goes; 1 if it was refused.
static int come(char **arguments, const char *kind, double microseconds) {
    if (strcmp(kind, "burn") == 0) {
        burn(1e-6 * microseconds);
        return 0;
    }
    void *context = zmq_ctx_new();
    int result = knock(context, arguments[1], arguments[2], kind, 1000);
    zmq_ctx_term(context);
    if (result >= 0) return result;
    fprintf(stderr, "strangers: one was let in\n");
    exit(1);
}

int main(int count, char **arguments) {
    if (count != 6) {
        fprintf(stderr, "usage: strangers ADDRESS COORDINATOR-PUBLIC-KEY PER-SECOND SECONDS KIND\n");
        return 64;
    }
    const char *kind = arguments[5], *microseconds = getenv("MICROSECONDS");
    if (strcmp(kind, "revoked") == 0) read_key(getenv("KEY_FILE"));
    struct sched_param none = {0};
    sched_setscheduler(0, SCHED_IDLE, &none);
    signal(SIGTERM, end_it);
    double pause = 1 / atof(arguments[3]), start = now(CLOCK_MONOTONIC), end = start + atof(arguments[4]);
    long knocked = 0, refused = 0;
    for (double next = start; next < end && !is_over; next += pause) {
        double wait = next - now(CLOCK_MONOTONIC);
        if (wait > 0) nanosleep(&(struct timespec){(time_t)wait, (long)((wait - (time_t)wait) * 1e9)}, NULL);
        refused += come(arguments, kind, microseconds ? atof(microseconds) : 0);
        knocked++;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + 1e-6 * (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    printf("{\"knocked\": %ld, \"refused\": %ld, \"seconds\": %.2f, \"cpu_seconds\": %.6f}\n", knocked, refused,
           now(CLOCK_MONOTONIC) - start, cpu);
    return 0;
}
