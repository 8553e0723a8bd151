/* What all workers share: the dictionary and metrics. */

#include "conformance.h"

#define TEXT_ARG(text) (text).data, (text).length

bool shared_increment(struct scene *scene)
{
    const struct actor *actor = scene->actor;
    struct flexilib_text *word = scene->words;
    int64_t sum = 0;
    bool is_done = actor->dictionary->increment(actor->opened, TEXT_ARG(word[0]), text_number(word[1]), 0, &sum);
    scene->memory->result = print(scene, "%d", (int)sum);
    return is_done;
}

bool shared_put(struct scene *scene)
{
    const struct actor *actor = scene->actor;
    struct flexilib_text *word = scene->words;
    return actor->dictionary->set(actor->opened, TEXT_ARG(word[0]), TEXT_ARG(word[1]), 0);
}

bool shared_get(struct scene *scene)
{
    const struct actor *actor = scene->actor;
    char value[2048];
    size_t length = 0;
    bool is_there = actor->dictionary->get(actor->opened, TEXT_ARG(scene->words[0]), value, sizeof(value), &length);
    scene->memory->result = print(scene, "%.*s", (int)length, value);
    return is_there;
}

bool shared_put_new(struct scene *scene)
{
    const struct actor *actor = scene->actor;
    struct flexilib_text *word = scene->words;
    return actor->dictionary->add(actor->opened, TEXT_ARG(word[0]), TEXT_ARG(word[1]), 60000);
}

bool shared_put_briefly(struct scene *scene)
{
    const struct actor *actor = scene->actor;
    struct flexilib_text *word = scene->words;
    struct flexilib_text past = print(scene, "past %.*s", (int)word[0].length, word[0].data);
    return actor->dictionary->set(actor->opened, TEXT_ARG(past), TEXT_ARG(word[1]), 1) &&
           actor->dictionary->set(actor->opened, TEXT_ARG(word[0]), TEXT_ARG(word[1]), 1);
}

bool shared_put_over(struct scene *scene)
{
    const struct actor *actor = scene->actor;
    struct flexilib_text *word = scene->words;
    return actor->dictionary->replace(actor->opened, TEXT_ARG(word[0]), TEXT_ARG(word[1]), TEXT_ARG(word[2]), 0);
}

bool shared_take_away(struct scene *scene)
{
    const struct actor *actor = scene->actor;
    return actor->dictionary->remove(actor->opened, TEXT_ARG(scene->words[0]));
}

bool shared_count(struct scene *scene)
{
    const struct flexilib_metrics *metrics = scene->actor->metrics;
    metrics->add(metrics->series(scene->actor->metric, &scene->words[0]), (double)text_number(scene->words[1]));
    return true;
}

bool shared_level(struct scene *scene)
{
    const struct flexilib_metrics *metrics = scene->actor->metrics;
    metrics->set(metrics->series(scene->actor->gauge, NULL), (double)text_number(scene->words[0]));
    return true;
}

bool shared_observe(struct scene *scene)
{
    const struct flexilib_metrics *metrics = scene->actor->metrics;
    metrics->observe(metrics->series(scene->actor->histogram, NULL), (double)text_number(scene->words[0]));
    return true;
}

bool shared_open_dictionary(struct actor *actor)
{
    actor->dictionary = actor->core->extension(actor->core, FLEXILIB_DICTIONARY);
    if (actor->dictionary != NULL)
        actor->opened = actor->dictionary->open(actor->core, FLEXILIB_ARG("conformance"));
    return actor->opened != NULL;
}

static const struct flexilib_metric *declare(const struct actor *actor, int32_t kind, struct flexilib_text name,
                                             const struct flexilib_text *label)
{
    static const double buckets[] = {1, 10};
    struct flexilib_metric_declaration declaration = {
        .kind = kind,
        .name = name,
        .help = FLEXILIB_TEXT("What scripts count."),
        .labels = label,
        .label_count = label == NULL ? 0 : 1,
        .buckets = buckets,
        .bucket_count = kind == FLEXILIB_METRICS_HISTOGRAM ? 2 : 0,
    };
    return actor->metrics->declare(actor->core, &declaration);
}

bool shared_open_metrics(struct actor *actor)
{
    struct flexilib_text label = FLEXILIB_TEXT("label");
    actor->metrics = actor->core->extension(actor->core, FLEXILIB_METRICS);
    if (actor->metrics == NULL)
        return false;
    actor->metric = declare(actor, FLEXILIB_METRICS_COUNTER, FLEXILIB_TEXT("conformance_total"), &label);
    actor->gauge = declare(actor, FLEXILIB_METRICS_GAUGE, FLEXILIB_TEXT("conformance_level"), NULL);
    actor->histogram = declare(actor, FLEXILIB_METRICS_HISTOGRAM, FLEXILIB_TEXT("conformance_size"), NULL);
    return actor->metric != NULL && actor->gauge != NULL && actor->histogram != NULL;
}
