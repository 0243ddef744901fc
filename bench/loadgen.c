/* Send HTTP/1.1 requests to 127.0.0.1 and time the answers.
 *
 *   loadgen PORT FILE CONNECTIONS SECONDS RATE MOST
 *
 * FILE holds requests, each as its length in decimal, a newline, and its bytes. They
 * are sent in their order, over and over; after MOST of them (0: no bound) or SECONDS
 * no more are sent. RATE 0 is a closed loop: each connection sends when it has its
 * answer. Any other RATE is an open loop: so many a second fall due whatever the server
 * does, and a time counts from when the request was due, not from when a connection was
 * free for it. All connections are there before the first request is sent.
 *
 * Prints one line of JSON, and on stderr the first answer of 400 or above, if there was
 * one. Times are milliseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CONNECTIONS = 512, MOST_TIMES = 4000000, ANSWER = 1 << 22, GRACE = 30 };

struct request { char *bytes; size_t length; };
struct line {
    int socket, busy;
    const struct request *request;
    size_t sent, got, need; /* need: length of the whole answer, 0 while unknown */
    double due;
    char *answer;
};

static struct request *requests;
static size_t request_count, next_request;
static struct line lines[MOST_CONNECTIONS];
static double *times;
static size_t done, failed, statuses[600];
static int port;

static void die(const char *what) { perror(what); exit(1); }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void read_requests(const char *path) {
    FILE *file = fopen(path, "rb");
    size_t length;
    if (!file) die(path);
    while (fscanf(file, "%zu", &length) == 1) {
        fgetc(file);
        requests = realloc(requests, (request_count + 1) * sizeof *requests);
        struct request *r = &requests[request_count++];
        r->length = length;
        r->bytes = malloc(length);
        if (fread(r->bytes, 1, length, file) != length) die("short request");
    }
    fclose(file);
    if (!request_count) { fprintf(stderr, "no requests\n"); exit(1); }
}

static void open_line(struct line *l) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    l->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (l->socket < 0 || connect(l->socket, (void *)&to, sizeof to)) die("connect");
    setsockopt(l->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(l->socket, F_SETFL, O_NONBLOCK);
    if (!l->answer) l->answer = malloc(ANSWER);
}

static void finish(struct line *l, int status) {
    static int complained;
    if (status >= 400 && !complained++)
        fprintf(stderr, "%.*s\n", l->got < 1500 ? (int)l->got : 1500, l->answer);
    if (status >= 100 && status < 600) statuses[status]++;
    else failed++;
    if (done < MOST_TIMES) times[done++] = (now() - l->due) * 1000;
    l->busy = 0;
    if (!status) { close(l->socket); open_line(l); }
}

static void push(struct line *l) {
    while (l->sent < l->request->length) {
        ssize_t n = send(l->socket, l->request->bytes + l->sent,
                         l->request->length - l->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) { finish(l, 0); return; }
        l->sent += n;
    }
}

static void begin(struct line *l, double due) {
    l->request = &requests[next_request++ % request_count];
    l->sent = l->got = l->need = 0;
    l->busy = 1;
    l->due = due;
    push(l);
}

/* Learn from the head how long the whole answer is. */
static void measure(struct line *l) {
    l->answer[l->got] = 0;
    char *end = strstr(l->answer, "\r\n\r\n");
    if (!end) return;
    char *field = strcasestr(l->answer, "\r\ncontent-length:");
    if (!field || field > end) {
        fprintf(stderr, "an answer without Content-Length\n");
        exit(1);
    }
    l->need = end + 4 - l->answer + strtoul(field + 17, NULL, 10);
    if (l->need >= ANSWER) { fprintf(stderr, "the answer is too long\n"); exit(1); }
}

static void pull(struct line *l) {
    for (;;) {
        ssize_t n = recv(l->socket, l->answer + l->got, ANSWER - 1 - l->got, 0);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) { finish(l, 0); return; }
        l->got += n;
        if (!l->need) measure(l);
        if (l->need && l->got >= l->need) {
            finish(l, atoi(l->answer + 9));
            return;
        }
    }
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double q) {
    return done ? times[(size_t)(q * (done - 1) + 0.5)] : 0;
}

static void report(double seconds) {
    const char *comma = "";
    qsort(times, done, sizeof *times, by_size);
    printf("{\"done\": %zu, \"failed\": %zu, \"seconds\": %.6f, \"p50\": %.3f, "
           "\"p95\": %.3f, \"p99\": %.3f, \"slowest\": %.3f, \"statuses\": {",
           done, failed, seconds, quantile(.5), quantile(.95), quantile(.99),
           done ? times[done - 1] : 0);
    for (int s = 0; s < 600; s++)
        if (statuses[s]) {
            printf("%s\"%d\": %zu", comma, s, statuses[s]);
            comma = ", ";
        }
    printf("}}\n");
}

int main(int argc, char **argv) {
    if (argc != 7) { fprintf(stderr, "see the head of loadgen.c\n"); return 2; }
    port = atoi(argv[1]);
    read_requests(argv[2]);
    int count = atoi(argv[3]), busy = 0;
    double seconds = atof(argv[4]), rate = atof(argv[5]);
    size_t most = strtoul(argv[6], NULL, 10), begun = 0;
    if (count < 1 || count > MOST_CONNECTIONS || seconds > 600) return 2;
    times = malloc(MOST_TIMES * sizeof *times);
    for (int i = 0; i < count; i++) open_line(&lines[i]);
    double start = now(), t = start;
    while (busy || (t - start < seconds && !(most && begun >= most))) {
        struct pollfd watched[MOST_CONNECTIONS];
        for (int i = 0; i < count; i++) {
            struct line *l = &lines[i];
            double due = rate ? start + begun / rate : t;
            int more = due <= t && due - start < seconds && !(most && begun >= most);
            if (!l->busy && more) { begun++; begin(l, due); }
            short events = !l->busy ? 0 : POLLIN;
            if (l->busy && l->sent < l->request->length) events |= POLLOUT;
            watched[i] = (struct pollfd){.fd = l->busy ? l->socket : -1,
                                         .events = events};
        }
        double wait = rate ? start + begun / rate - now() : 0.2;
        if (wait < 0 || wait > 0.2) wait = wait < 0 && rate ? 0.001 : 0.2;
        struct timespec timeout = {.tv_nsec = (long)(wait * 1e9)};
        if (ppoll(watched, count, &timeout, NULL) < 0) die("poll");
        busy = 0;
        for (int i = 0; i < count; i++) {
            struct line *l = &lines[i];
            if (l->busy && watched[i].revents & POLLOUT) push(l);
            if (l->busy && watched[i].revents & (POLLIN | POLLHUP | POLLERR)) pull(l);
            busy += l->busy;
        }
        t = now();
        if (t - start > seconds + GRACE) {
            fprintf(stderr, "no answer for %d s\n", GRACE);
            return 1;
        }
    }
    report(t - start);
    return 0;
}
