#include "config/settings.h"

static const struct step_settings *find_in_chain(const struct step_settings *steps, size_t count, unsigned number)
{
    for (size_t i = 0; i < count; ++i) {
        if (steps[i].number == number)
            return &steps[i];
    }
    return NULL;
}

static const struct step_settings *find_in_routes(const struct route_settings *routes, size_t count, unsigned number)
{
    const struct step_settings *found = NULL;
    for (size_t i = 0; i < count && found == NULL; ++i) {
        const struct route_settings *route = &routes[i];
        found = find_in_chain(route->filters, route->filter_count, number);
        if (found == NULL && route->target == TARGET_HANDLER)
            found = find_in_chain(&route->handler, 1, number);
        if (found == NULL && route->target == TARGET_ROUTES)
            found = find_in_routes(route->routes, route->route_count, number);
    }
    return found;
}

const struct step_settings *settings_find_step(const struct settings *settings, unsigned number)
{
    const struct step_settings *found = find_in_chain(settings->filters, settings->filter_count, number);
    return found != NULL ? found : find_in_routes(settings->routes, settings->route_count, number);
}
