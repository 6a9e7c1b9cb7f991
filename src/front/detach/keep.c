/* The keeper of a detached session's terminal. Invariant: the session never waits for who is attached for more than some
 * seconds; then it counts as gone, and what it did not get is kept for the next. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "front/detach/detach.h"

enum { KEPT = 1 << 20, CONTEXT = 2000, PATIENCE = 5000, GREETING = 500 /* ms */ };

struct keeper {
    int listener, terminal, client; /* client -1: nobody is attached */
    struct buf screen;              /* the last of what the session wrote */
    size_t seen;                    /* of it, by someone */
    bool ended;
};

/* Drops the oldest half once it is more than the session's last megabyte; the journal has all of it. */
static void trim(struct keeper *k) {
    if (k->screen.len <= KEPT) return;
    size_t n = k->screen.len - KEPT / 2;
    memmove(k->screen.data, k->screen.data + n, k->screen.len - n);
    k->screen.len -= n;
    k->seen = k->seen > n ? k->seen - n : 0;
}

static void dismiss(struct keeper *k, const char *why) {
    if (k->client < 0) return;
    char packet[128] = "e";
    strncat(packet, why, sizeof packet - 2);
    send(k->client, packet, strlen(packet), MSG_DONTWAIT | MSG_NOSIGNAL);
    close(k->client);
    k->client = -1;
}

/* What is new goes to the client, as far as it takes it. */
static void show(struct keeper *k) {
    char packet[DETACH_PACKET] = "o";
    while (k->client >= 0 && k->seen < k->screen.len) {
        size_t n = k->screen.len - k->seen;
        if (n > sizeof packet - 1) n = sizeof packet - 1;
        memcpy(packet + 1, k->screen.data + k->seen, n);
        if (send(k->client, packet, n + 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            if (errno != EAGAIN && errno != EINTR) dismiss(k, "");
            return;
        }
        k->seen += n;
    }
}

/* Whether who is at fd says anything: one who only asks whether somebody listens (detach_listen) takes nothing over. */
static bool speaks(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char byte;
    return poll(&p, 1, GREETING) == 1 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Who comes takes over. It sees all that nobody has seen, or else the last lines. */
static void welcome(struct keeper *k) {
    int fd = accept4(k->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return;
    if (!detach_is_ours(fd) || !speaks(fd)) {
        close(fd);
        return;
    }
    dismiss(k, "the session was attached elsewhere");
    k->client = fd;
    size_t context = k->screen.len > CONTEXT ? k->screen.len - CONTEXT : 0;
    const char *line = k->screen.len ? memchr(k->screen.data + context, '\n', k->screen.len - context) : NULL;
    if (context > 0 && line) context = (size_t)(line + 1 - k->screen.data);
    if (k->seen > context) k->seen = context;
    show(k);
}

static void obey(struct keeper *k) {
    unsigned char packet[DETACH_PACKET];
    ssize_t n = recv(k->client, packet, sizeof packet, MSG_DONTWAIT);
    if (n <= 0 && (n == 0 || (errno != EAGAIN && errno != EINTR))) {
        close(k->client);
        k->client = -1;
    } else if (n == 5 && packet[0] == 'w') {
        struct winsize size = {.ws_row = (unsigned short)(packet[1] | packet[2] << 8),
                               .ws_col = (unsigned short)(packet[3] | packet[4] << 8)};
        ioctl(k->terminal, TIOCSWINSZ, &size);
    } else if (n > 1 && packet[0] == 'k' && write(k->terminal, packet + 1, (size_t)n - 1) < 0) {
        k->ended = true;
    }
}

static void listen_to_session(struct keeper *k) {
    char *room = buf_room(&k->screen, 1 << 16);
    ssize_t n = room ? read(k->terminal, room, 1 << 16) : -1;
    if (n < 0 && errno == EINTR) return;
    if (n <= 0) {
        k->ended = true;
        return;
    }
    k->screen.len += (size_t)n;
    show(k);
    trim(k);
}

void detach_keep(int listener, const char *path, int fd, int child) {
    struct keeper k = {.listener = listener, .terminal = fd, .client = -1};
    int status;
    while (!k.ended) {
        bool behind = k.client >= 0 && k.seen < k.screen.len;
        struct pollfd p[] = {{.fd = behind ? -1 : fd, .events = POLLIN},
                             {.fd = listener, .events = POLLIN},
                             {.fd = k.client, .events = (short)(POLLIN | (behind ? POLLOUT : 0))}};
        int ready = poll(p, 3, behind ? PATIENCE : -1);
        if (ready == 0) dismiss(&k, "the terminal took nothing for seconds; the session goes on");
        if (ready <= 0) continue;
        if (p[2].revents & (POLLIN | POLLHUP | POLLERR)) obey(&k);
        if (p[2].revents & POLLOUT) show(&k);
        if (p[0].revents) listen_to_session(&k);
        if (p[1].revents) welcome(&k);
    }
    unlink(path);
    dismiss(&k, "the session has ended");
    buf_free(&k.screen);
    waitpid(child, &status, 0);
}
