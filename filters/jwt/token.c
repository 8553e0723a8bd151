#include "token.h"

#include "base64url.h"

#include <stdlib.h>
#include <string.h>

/* Takes what stands in front of the next dot, or all that is left for the last part. */
static bool take_part(struct flexilib_text *rest, bool is_last, struct flexilib_text *part)
{
    const char *dot = rest->length == 0 ? NULL : memchr(rest->data, '.', rest->length);
    if (is_last != (dot == NULL))
        return false;
    part->data = rest->data;
    part->length = is_last ? rest->length : (size_t)(dot - rest->data);
    rest->data += part->length + (is_last ? 0 : 1);
    rest->length -= part->length + (is_last ? 0 : 1);
    return part->length != 0;
}

static unsigned char *decode(struct flexilib_text part, size_t *length)
{
    unsigned char *bytes = malloc(base64url_room(part.length));
    if (bytes != NULL && base64url_decode(part.data, part.length, bytes, length))
        return bytes;
    free(bytes);
    return NULL;
}

/* An object; two members of one name would be read differently by different readers. */
static json_t *read_object(struct flexilib_text part)
{
    size_t length;
    unsigned char *bytes = decode(part, &length);
    json_t *read = bytes == NULL ? NULL : json_loadb((const char *)bytes, length, JSON_REJECT_DUPLICATES, NULL);
    free(bytes);
    if (json_is_object(read))
        return read;
    json_decref(read);
    return NULL;
}

static const char *read_header(struct token *token)
{
    const json_t *algorithm = json_object_get(token->header, "alg");
    const json_t *key_id = json_object_get(token->header, "kid");
    if (!json_is_string(algorithm))
        return "the token names no algorithm";
    token->algorithm = algorithm_find(json_string_value(algorithm), json_string_length(algorithm));
    if (token->algorithm == NULL)
        return "the token's algorithm is not accepted";
    if (key_id != NULL && !json_is_string(key_id))
        return "the token is malformed";
    if (key_id != NULL)
        token->key_id = (struct flexilib_text){json_string_value(key_id), json_string_length(key_id)};
    /* RFC 7515 section 4.1.11: what has to be understood and is not makes the token invalid */
    return json_object_get(token->header, "crit") == NULL ? NULL : "the token asks for an extension that is not known";
}

const char *token_parse(struct token *token, struct flexilib_text text)
{
    struct flexilib_text header, claims, signature, rest = text;
    *token = (struct token){0};
    if (!take_part(&rest, false, &header) || !take_part(&rest, false, &claims) || !take_part(&rest, true, &signature))
        return "the token is not three parts with dots between them";
    token->signed_part = (struct flexilib_text){text.data, (size_t)(signature.data - 1 - text.data)};
    token->header = read_object(header);
    token->claims = read_object(claims);
    token->signature = decode(signature, &token->signature_length);
    if (token->header == NULL || token->claims == NULL || token->signature == NULL)
        return "the token is malformed";
    return read_header(token);
}

void token_finish(struct token *token)
{
    free(token->signature);
    json_decref(token->header);
    json_decref(token->claims);
    *token = (struct token){0};
}
