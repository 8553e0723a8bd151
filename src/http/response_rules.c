#include "http/response_rules.h"

bool response_tells_length(const struct response_head *response)
{
    if (response->status == 101 || response->status == 204)
        return false;
    return response->status == 304 ? response->body_length > 0 : response->body_length >= 0;
}
