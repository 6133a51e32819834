// What libzmq itself can do: a ROUTER and N DEALERs that move given frame sizes in the coordinator's pattern, and nothing else.
// No decoding, no adding; every frame that is large enough is sent without copying. The same two processes, one thread each
// besides libzmq's own, as `exchange coordinator` and `exchange workers`.
//
//     cc -O2 raw-zmq.c -lzmq -o raw-zmq
//     raw-zmq router ENDPOINT WORKERS SECONDS SENT RECEIVED
//     raw-zmq dealers ENDPOINT WORKERS SENT RECEIVED
//
// The router prints its address and one line of JSON, and ends when its standard input does.
//
// SENT and RECEIVED are what goes to and comes from one worker in a step, seen from the router: frame sizes with commas between,
// messages with slashes between ("32,142944/68,12544,32"). The router sends the first message to every worker, then the second, …,
// and waits for all answers; a dealer answers the message with the largest frame (the weights), whatever else is under way.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <zmq.h>

enum { MOST_FRAMES = 64, WARM_UP = 5, SMALLEST_SHARED = 8192, IDENTITY = 5 };

// The messages of one worker and step in one direction.
typedef struct {
    int messages, frames;
    size_t bytes, largest;
    size_t size[MOST_FRAMES];
    int is_last[MOST_FRAMES];
} Pattern;

static void fail(const char *what) {
    fprintf(stderr, "raw-zmq: %s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

static void check(int status, const char *what) {
    if (status < 0) fail(what);
}

static Pattern parse(const char *text) {
    Pattern pattern = {0};
    while (*text) {
        char *end;
        if (pattern.frames == MOST_FRAMES) { fprintf(stderr, "raw-zmq: too many frames\n"); exit(2); }
        const size_t size = strtoul(text, &end, 10);
        if (end == text) { fprintf(stderr, "raw-zmq: no frame size: %s\n", text); exit(2); }
        pattern.size[pattern.frames] = size;
        pattern.is_last[pattern.frames] = *end != ',';
        pattern.messages += *end != ',';
        pattern.bytes += size;
        if (size > pattern.largest) pattern.largest = size;
        pattern.frames += 1;
        text = *end ? end + 1 : end;
    }
    return pattern;
}

static double seconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

// The bytes live as long as the process.
static void keep(void *data, void *hint) { (void)data, (void)hint; }

static void send_frame(void *socket, char *bytes, size_t size, int more) {
    zmq_msg_t message;
    if (size < SMALLEST_SHARED) {
        check(zmq_msg_init_size(&message, size), "make a frame");
        memcpy(zmq_msg_data(&message), bytes, size);
    } else {
        check(zmq_msg_init_data(&message, bytes, size, keep, NULL), "lend a frame");
    }
    check(zmq_msg_send(&message, socket, more ? ZMQ_SNDMORE : 0), "send");
}

// One message of a pattern, the one that begins with frame `first`: the largest frame from `shared`, as weights are, the others from
// the worker's own memory. Returns the index of the frame after it.
static int send_message(void *socket, const Pattern *pattern, int first, const char *identity, char *shared, char *own) {
    if (identity) check(zmq_send(socket, identity, IDENTITY, ZMQ_SNDMORE), "address");
    for (int i = first;; i++) {
        const size_t size = pattern->size[i];
        send_frame(socket, size == pattern->largest ? shared : own, size, !pattern->is_last[i]);
        if (pattern->is_last[i]) return i + 1;
    }
}

// Receives one message; returns the bytes of its largest frame, or -1 if none waits and `flags` say not to.
static long receive(void *socket, char *identity, int flags) {
    zmq_msg_t frame;
    long largest = 0;
    for (int index = 0, more = 1; more; index++) {
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, socket, flags) < 0) {
            if (zmq_errno() != EAGAIN) fail("receive");
            return -1;
        }
        if (index == 0 && identity) memcpy(identity, zmq_msg_data(&frame), IDENTITY);
        if ((long)zmq_msg_size(&frame) > largest) largest = (long)zmq_msg_size(&frame);
        more = zmq_msg_more(&frame);
        zmq_msg_close(&frame);
    }
    return largest;
}

static char *memory(size_t size) {
    char *bytes = aligned_alloc(64, (size + 63) / 64 * 64 + 64);
    if (!bytes) fail("allocate");
    memset(bytes, 1, size);
    return bytes;
}

static void step(void *socket, int workers, char (*identities)[IDENTITY], const Pattern *sent, const Pattern *received,
                 char *shared, char *own) {
    for (int frame = 0; frame < sent->frames;) {
        int next = frame;
        for (int i = 0; i < workers; i++)
            next = send_message(socket, sent, frame, identities[i], shared, own + (size_t)i * sent->bytes);
        frame = next;
    }
    for (int i = 0; i < workers * received->messages; i++) receive(socket, NULL, 0);
}

static void router(const char *endpoint, int workers, double limit, Pattern sent, Pattern received) {
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_ROUTER);
    if (!socket) fail("make a socket");
    check(zmq_bind(socket, endpoint), "bind");
    char address[256];
    size_t size = sizeof address;
    check(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, address, &size), "read the address");
    printf("%s\n", address);
    fflush(stdout);
    char (*identities)[IDENTITY] = malloc((size_t)workers * IDENTITY);
    for (int i = 0; i < workers; i++) receive(socket, identities[i], 0);
    char *shared = memory(sent.bytes), *own = memory(sent.bytes * (size_t)workers);
    for (int i = 0; i < WARM_UP; i++) step(socket, workers, identities, &sent, &received, shared, own);
    long steps = 0;
    const double begin = seconds(CLOCK_MONOTONIC), processor = seconds(CLOCK_PROCESS_CPUTIME_ID);
    double elapsed = 0;
    while (elapsed < limit || steps < WARM_UP) {
        step(socket, workers, identities, &sent, &received, shared, own);
        steps += 1;
        elapsed = seconds(CLOCK_MONOTONIC) - begin;
    }
    printf("{\"steps\": %ld, \"seconds\": %.9f, \"processor_seconds\": %.6f, \"messages\": %ld, \"bytes\": %ld}\n", steps,
           elapsed, seconds(CLOCK_PROCESS_CPUTIME_ID) - processor,
           steps * workers * (sent.messages + received.messages),
           steps * workers * (long)(sent.bytes + received.bytes));
    fflush(stdout);
    for (int i = 0; i < workers; i++) {
        check(zmq_send(socket, identities[i], IDENTITY, ZMQ_SNDMORE), "address");
        check(zmq_send(socket, "", 0, 0), "send home");
    }
    // Not before the dealers have ended: a message that arrives together with the end of its connection may be lost.
    while (getchar() != EOF) {}
    zmq_close(socket);
    zmq_ctx_term(context);
}

static void dealers(const char *endpoint, int workers, Pattern sent, Pattern received) {
    void *context = zmq_ctx_new();
    zmq_pollitem_t *items = calloc((size_t)workers, sizeof *items);
    for (int i = 0; i < workers; i++) {
        items[i].socket = zmq_socket(context, ZMQ_DEALER);
        items[i].events = ZMQ_POLLIN;
        if (!items[i].socket) fail("make a socket");
        check(zmq_connect(items[i].socket, endpoint), "connect");
        check(zmq_send(items[i].socket, "", 0, 0), "say hello");
    }
    char *bytes = memory(received.bytes);
    for (int left = workers; left > 0;) {
        check(zmq_poll(items, workers, -1), "poll");
        for (int i = 0; i < workers; i++) {
            if (!items[i].revents) continue;
            long size;
            while ((size = receive(items[i].socket, NULL, ZMQ_DONTWAIT)) > 0) {
                if ((size_t)size < sent.largest) continue;
                for (int frame = 0; frame < received.frames;)
                    frame = send_message(items[i].socket, &received, frame, NULL, bytes, bytes);
            }
            if (size == 0) {
                items[i].events = 0;
                left -= 1;
            }
        }
    }
}

int main(int count, char **arguments) {
    if (count == 7 && strcmp(arguments[1], "router") == 0)
        router(arguments[2], atoi(arguments[3]), atof(arguments[4]), parse(arguments[5]), parse(arguments[6]));
    else if (count == 6 && strcmp(arguments[1], "dealers") == 0)
        dealers(arguments[2], atoi(arguments[3]), parse(arguments[4]), parse(arguments[5]));
    else {
        fprintf(stderr, "usage: raw-zmq router ENDPOINT WORKERS SECONDS SENT RECEIVED\n"
                        "       raw-zmq dealers ENDPOINT WORKERS SENT RECEIVED\n");
        return 2;
    }
    return 0;
}
