#include "client.h"

static void add_body(struct visit *visit, struct order *order, const struct bytes *body)
{
    struct bytes *output = &visit->output;
    size_t length = bytes_length(body);
    if (roll(&order->dice, 2)) {
        bytes_print(output, "Content-Length: %zu\r\n\r\n", length);
        bytes_add(output, body->data, length);
        return;
    }
    bytes_print(output, "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0, size; at < length; at += size) {
        size = 1 + roll(&order->dice, 30000);
        size = size < length - at ? size : length - at;
        bytes_print(output, "%zx%s\r\n", size, roll(&order->dice, 10) == 0 ? ";ext=1" : "");
        bytes_add(output, body->data + at, size);
        bytes_add(output, "\r\n", 2);
    }
    bytes_print(output, "0\r\n%s\r\n", roll(&order->dice, 8) == 0 ? "x-checksum: 1\r\n" : "");
}

static void send_order(struct visit *visit)
{
    struct order order = client_take_order(visit->client);
    struct bytes *output = &visit->output;
    bytes_print(output, "%s %s HTTP/1.1\r\nHost: chaos.example\r\nx-number: %llu\r\n", order.method, order.path,
                (unsigned long long)order.number);
    if (order.takes_gzip)
        bytes_print(output, "Accept-Encoding: gzip\r\n");
    if (roll(&order.dice, 10) == 0)
        bytes_print(output, "TE: trailers\r\nCookie: a=b\r\nCookie: c=d\r\n");
    if (order.has_body && roll(&order.dice, 10) == 0)
        bytes_print(output, "Expect: 100-continue\r\n");
    if (order.upgrades)
        bytes_print(output, "Connection: upgrade\r\nUpgrade: echo\r\n");
    else if (visit->planned == 1 && roll(&order.dice, 3) == 0)
        bytes_print(output, "Connection: close\r\n");
    if (order.has_body) {
        struct bytes body = order_body(&order);
        if (order.is_coded)
            bytes_print(output, "Content-Encoding: gzip\r\nx-coded: yes\r\n");
        add_body(visit, &order, &body);
        bytes_finish(&body);
    } else {
        bytes_print(output, "\r\n");
    }
    visit->orders[(visit->first + visit->waiting++) % MOST_DEPTH] = order;
    --visit->planned;
}

/* As many as may be ahead; nothing is sent behind one that may make the connection something else. */
static void send_orders(struct visit *visit)
{
    while (visit->planned != 0 && visit->waiting < visit->depth) {
        unsigned last = (visit->first + visit->waiting + MOST_DEPTH - 1) % MOST_DEPTH;
        if (visit->waiting != 0 && visit->orders[last].upgrades)
            return;
        send_order(visit);
    }
}

static void await_response(struct visit *visit)
{
    bool is_head = visit->waiting != 0 && strcmp(visit->orders[visit->first].method, "HEAD") == 0;
    message_begin(&visit->message, is_head ? MESSAGE_RESPONSE_TO_HEAD : MESSAGE_RESPONSE);
}

void http1_begin(struct visit *visit)
{
    visit->planned = 1 + roll(&visit->dice, 30);
    visit->depth = roll(&visit->dice, 2) ? 1 : 1 + roll(&visit->dice, MOST_DEPTH);
    send_orders(visit);
    await_response(visit);
}

static struct claims claims_of(const struct message *message)
{
    return (struct claims){.status = message->status,
                           .stamp = message_number(message, "x-stamp"),
                           .answer = message_number(message, "x-answer"),
                           .reply = message_number(message, "x-reply"),
                           .is_coded = message_field(message, "content-encoding") != NULL};
}

/* Bytes go both ways until one end has enough. */
static void begin_tunnel(struct visit *visit)
{
    struct order *order = &visit->orders[visit->first];
    visit->message.part = PART_TO_END;
    visit->message.letter = letter_of(order->number);
    visit->message.closes = true;
    bytes_fill(&visit->output, visit->message.letter, roll_length(&order->dice));
}

static void take_head(struct visit *visit)
{
    struct message *message = &visit->message;
    const struct order *order = &visit->orders[visit->first];
    struct claims claims = claims_of(message);
    if (message->status < 200 && message->status != 101) {
        ++visit->client->interims;
        if (message->status != 100 && message->status != 103)
            client_complain(visit->client, order->number, "an interim response is none that was sent");
        await_response(visit);
        return;
    }
    const char *fault = order_judge(order, &claims, &message->letter);
    if (fault != NULL)
        client_complain(visit->client, order->number, fault);
    if (message->status == 101)
        begin_tunnel(visit);
}

static void take_end(struct visit *visit)
{
    struct claims claims = claims_of(&visit->message);
    client_note(visit->client, client_judge_whole(&claims), claims.status);
    visit->is_over = visit->message.closes;
    visit->first = (visit->first + 1) % MOST_DEPTH;
    --visit->waiting;
    if (visit->is_over)
        return;
    send_orders(visit);
    visit->is_over = visit->waiting == 0;
    await_response(visit);
}

void http1_take(struct visit *visit, const char *data, size_t length)
{
    struct message *message = &visit->message;
    while (length != 0) {
        if (visit->is_over) {
            client_complain(visit->client, 0, "bytes come behind the last response");
            return;
        }
        bool had_head = message_has_head(message);
        size_t taken = message_read(message, data, length);
        data += taken;
        length -= taken;
        if (message_has_head(message) && !had_head && message->fault == NULL)
            take_head(visit);
        if (message->fault != NULL) {
            client_complain(visit->client, visit->orders[visit->first].number, message->fault);
            visit->is_over = true;
            return;
        }
        if (message_is_whole(message))
            take_end(visit);
    }
}

void http1_end(struct visit *visit, bool has_left)
{
    const struct message *message = &visit->message;
    if (!has_left && visit->waiting != 0 && message->part == PART_TO_END)
        take_end(visit);
    bool is_first = !visit->is_over;
    bool has_begun = message_has_head(message) || message->line_length != 0;
    for (; visit->waiting != 0; --visit->waiting) {
        enum outcome outcome = has_left ? OUTCOME_LEFT : has_begun ? OUTCOME_CUT : OUTCOME_CLOSED;
        client_note(visit->client, is_first ? outcome : OUTCOME_UNANSWERED, 0);
        is_first = false;
    }
    message_finish(&visit->message);
}
