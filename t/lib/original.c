/* A library of the original FlexiLib: /show answers with the request as it came, /null with nothing, /status/N with
 * that status, /fields with header fields of all kinds, /meet/N once N requests are in it at once, /most with how many
 * ever were, and /wild and /endless with responses that cannot be meant. After each request it must be told
 * that it is over. */

#include <flexilib/original.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT struct flexilib_original_response *handle_request(struct flexilib_original_request *request);
EXPORT void request_deinit(void);

static __thread struct flexilib_original_response response;
static __thread char *content;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_come = PTHREAD_COND_INITIALIZER;
static unsigned present, most_present;

static struct flexilib_original_header fields[] = {
    {(char *)"X-Good", 6, (char *)"yes", 3},          {(char *)"Connection", 10, (char *)"close", 5},
    {(char *)"X-Bad", 5, (char *)"a\nb", 3},          {(char *)"Content-Type", 12, (char *)"text/html", 9},
    {(char *)"Content-Length", 14, (char *)"999", 3},
};

static void add(const char *text, size_t length)
{
    content = realloc(content, response.content_length + length + 1);
    memcpy(content + response.content_length, text, length);
    response.content_length += length;
}

static void show(const struct flexilib_original_request *request)
{
    add(request->method, strlen(request->method));
    add(" ", 1);
    add(request->target, strlen(request->target));
    add("\n", 1);
    for (size_t i = 0; i < request->header_count; ++i) {
        add(request->headers[i].name, request->headers[i].name_length);
        add(": ", 2);
        add(request->headers[i].value, request->headers[i].value_length);
        add("\n", 1);
    }
    add("\n", 1);
    add(request->content, request->content_length);
}

static void come(void)
{
    pthread_mutex_lock(&mutex);
    if (++present > most_present)
        most_present = present;
    pthread_cond_broadcast(&has_come);
    pthread_mutex_unlock(&mutex);
}

static void leave(void)
{
    pthread_mutex_lock(&mutex);
    --present;
    pthread_mutex_unlock(&mutex);
}

static void meet(unsigned count)
{
    pthread_mutex_lock(&mutex);
    while (most_present < count)
        pthread_cond_wait(&has_come, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void tell_most(void)
{
    char text[32];
    pthread_mutex_lock(&mutex);
    add(text, (size_t)snprintf(text, sizeof(text), "%u\n", most_present));
    pthread_mutex_unlock(&mutex);
}

struct flexilib_original_response *handle_request(struct flexilib_original_request *request)
{
    if (content != NULL)
        abort();
    content = calloc(1, 1);
    come();
    response = (struct flexilib_original_response){0};
    if (strcmp(request->target, "/null") == 0)
        return NULL;
    if (strncmp(request->target, "/status/", 8) == 0)
        response.status = (size_t)atoi(request->target + 8);
    else if (strcmp(request->target, "/wild") == 0)
        response.header_count = (size_t)-1;
    else if (strcmp(request->target, "/endless") == 0)
        response.content_length = SIZE_MAX;
    else if (strcmp(request->target, "/fields") == 0)
        response.headers = fields, response.header_count = sizeof(fields) / sizeof(fields[0]);
    else if (strncmp(request->target, "/meet/", 6) == 0)
        meet((unsigned)atoi(request->target + 6));
    else if (strcmp(request->target, "/most") == 0)
        tell_most();
    else if (strcmp(request->target, "/crash") == 0)
        abort();
    else
        show(request);
    response.content = content;
    return &response;
}

void request_deinit(void)
{
    free(content);
    content = NULL;
    leave();
}
