/* Asks FlexiLib for COUNT exchanges, and looks at every byte: usage:
 *
 *     chaos-client ADDRESS PORT SEED FIRST COUNT VISITS 1|2 ROUTE...
 *
 * FIRST is the first request's number, VISITS how many connections there are at a time, 1 or 2 the version of HTTP. It
 * leaves connections in the midst, sends ahead, dawdles. What it gets has to be well-formed, and the response to what
 * it has asked; a connection may end early, but none may hang. Prints what became of the exchanges; leaves with status
 * 1 after a fault. */

#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MOST_FAULTS_SHOWN = 20,
    PATIENCE_MS = 60000,
};

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

struct order client_take_order(struct client *client)
{
    return order_of(client->seed, client->next_number++, client->routes, client->route_count);
}

void client_note(struct client *client, enum outcome outcome, int status)
{
    ++client->outcomes[outcome];
    if (status != 0)
        ++client->statuses[status / 100];
    if (outcome != OUTCOME_UNANSWERED && client->left != 0)
        --client->left;
}

void client_complain(struct client *client, uint64_t number, const char *fault)
{
    if (++client->faults <= MOST_FAULTS_SHOWN)
        printf("request %llu: %s\n", (unsigned long long)number, fault);
    fflush(stdout);
}

enum outcome client_judge_whole(const struct claims *claims)
{
    return claims->answer != 0 || claims->reply != 0 ? OUTCOME_WHOLE : OUTCOME_OWN;
}

static int open_socket(const struct client *client)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(client->port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    inet_pton(AF_INET, client->address, &address.sin_addr);
    if (fd == -1)
        return -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1 && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static struct visit *open_visit(struct client *client)
{
    int fd = open_socket(client);
    if (fd == -1)
        return NULL;
    struct visit *visit = calloc(1, sizeof(*visit));
    *visit = (struct visit){.client = client, .fd = fd, .alive_ms = now_ms()};
    visit->dice = dice_for(client->seed, ++client->next_visit, WHO_CONNECTION);
    visit->leaves_at = roll(&visit->dice, 10) == 0 ? 1 + roll(&visit->dice, 50000) : 0;
    if (client->is_http2)
        http2_begin(visit);
    else
        http1_begin(visit);
    return visit;
}

static void close_visit(struct visit *visit, bool has_left)
{
    struct linger linger = {.l_onoff = 1};
    if (visit->client->is_http2)
        http2_end(visit, has_left);
    else
        http1_end(visit, has_left);
    if (has_left && roll(&visit->dice, 2))
        setsockopt(visit->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(visit->fd);
    bytes_finish(&visit->output);
    free(visit);
}

/* Counts down to the moment when the client leaves, which is the end of a visit. */
static bool has_left_by(struct visit *visit, size_t length)
{
    visit->alive_ms = now_ms();
    if (visit->leaves_at == 0)
        return false;
    if (length >= visit->leaves_at)
        return true;
    visit->leaves_at -= length;
    return false;
}

enum progress {
    PROGRESS_GOOD = 1,
    PROGRESS_ENDED,
    PROGRESS_LEFT,
};

static enum progress receive(struct visit *visit)
{
    char data[32768];
    ssize_t length = recv(visit->fd, data, 1 + roll(&visit->dice, sizeof(data)), 0);
    if (length < 0)
        return errno == EAGAIN ? PROGRESS_GOOD : PROGRESS_ENDED;
    if (length == 0)
        return PROGRESS_ENDED;
    if (visit->client->is_http2)
        http2_take(visit, data, (size_t)length);
    else
        http1_take(visit, data, (size_t)length);
    return has_left_by(visit, (size_t)length) ? PROGRESS_LEFT : PROGRESS_GOOD;
}

static enum progress transmit(struct visit *visit)
{
    if (visit->client->is_http2)
        http2_fill(visit);
    struct bytes *output = &visit->output;
    size_t length = bytes_length(output), most = 1 + roll(&visit->dice, roll(&visit->dice, 4) == 0 ? 20 : 60000);
    if (length == 0)
        return PROGRESS_GOOD;
    ssize_t sent = send(visit->fd, output->data + output->start, length < most ? length : most, MSG_NOSIGNAL);
    if (sent < 0) /* what has come before that is read first */
        return PROGRESS_GOOD;
    output->start += (size_t)sent;
    if (roll(&visit->dice, 40) == 0)
        visit->stalled_ms = now_ms() + roll(&visit->dice, 8);
    return has_left_by(visit, (size_t)sent) ? PROGRESS_LEFT : PROGRESS_GOOD;
}

static bool wants_out(struct visit *visit)
{
    if (visit->client->is_http2 && bytes_length(&visit->output) == 0)
        http2_fill(visit);
    return bytes_length(&visit->output) != 0 && visit->stalled_ms <= now_ms();
}

/* Returns false where the visit is over, and closed. */
static bool serve(struct visit *visit, short events)
{
    enum progress progress = PROGRESS_GOOD;
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0)
        progress = receive(visit);
    if (progress == PROGRESS_GOOD && (events & POLLOUT) != 0 && !visit->is_over)
        progress = transmit(visit);
    if (progress == PROGRESS_GOOD && visit->alive_ms + PATIENCE_MS < now_ms()) {
        client_complain(visit->client, visit->orders[visit->first].number, "nothing comes any more");
        progress = PROGRESS_ENDED;
    }
    if (progress == PROGRESS_GOOD && !visit->is_over)
        return true;
    close_visit(visit, progress == PROGRESS_LEFT);
    return false;
}

static void run(struct client *client, size_t most)
{
    static struct visit *visits[MOST_VISITS];
    static struct pollfd polls[MOST_VISITS];
    size_t count = 0;
    while (client->left != 0 || count != 0) {
        while (count < most && client->left > count && (visits[count] = open_visit(client)) != NULL)
            ++count;
        for (size_t i = 0; i < count; ++i)
            polls[i] =
                (struct pollfd){.fd = visits[i]->fd, .events = (short)(POLLIN | (wants_out(visits[i]) ? POLLOUT : 0))};
        poll(polls, count, 2);
        for (size_t i = count; i > 0; --i) {
            if (!serve(visits[i - 1], polls[i - 1].revents))
                visits[i - 1] = visits[--count];
        }
    }
}

static void report(const struct client *client)
{
    static const char *const names[] = {"whole", "own", "cut", "closed", "left", "unanswered"};
    for (int i = 0; i < OUTCOME_COUNT; ++i)
        printf("%s %llu, ", names[i], (unsigned long long)client->outcomes[i]);
    for (int i = 2; i < 6; ++i)
        printf("%dxx %llu, ", i, (unsigned long long)client->statuses[i]);
    printf("interim %llu, next %llu, faults %u\n", (unsigned long long)client->interims,
           (unsigned long long)client->next_number, client->faults);
}

int main(int count, char **arguments)
{
    if (count < 9) {
        fputs("usage: chaos-client ADDRESS PORT SEED FIRST COUNT VISITS 1|2 ROUTE...\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    struct client client = {.address = arguments[1],
                            .port = (uint16_t)atoi(arguments[2]),
                            .seed = strtoull(arguments[3], NULL, 10),
                            .next_number = strtoull(arguments[4], NULL, 10),
                            .left = strtoull(arguments[5], NULL, 10),
                            .is_http2 = arguments[7][0] == '2',
                            .routes = (const char *const *)arguments + 8,
                            .route_count = (size_t)count - 8};
    client.next_visit = client.next_number;
    size_t visits = strtoul(arguments[6], NULL, 10);
    run(&client, visits < MOST_VISITS ? visits : MOST_VISITS);
    report(&client);
    return client.faults == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
