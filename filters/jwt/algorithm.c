#include "algorithm.h"

#include <string.h>

static const struct algorithm algorithms[] = {
    {"RS256", KEY_RSA, "SHA256", 32, NULL, 0, 0},         {"RS384", KEY_RSA, "SHA384", 48, NULL, 0, 0},
    {"RS512", KEY_RSA, "SHA512", 64, NULL, 0, 0},         {"PS256", KEY_RSA, "SHA256", 32, NULL, 0, 1},
    {"PS384", KEY_RSA, "SHA384", 48, NULL, 0, 1},         {"PS512", KEY_RSA, "SHA512", 64, NULL, 0, 1},
    {"ES256", KEY_EC, "SHA256", 32, "prime256v1", 32, 0}, {"ES384", KEY_EC, "SHA384", 48, "secp384r1", 48, 0},
    {"ES512", KEY_EC, "SHA512", 64, "secp521r1", 66, 0},  {"EdDSA", KEY_EDWARDS, NULL, 0, NULL, 0, 0},
    {"HS256", KEY_SECRET, "SHA256", 32, NULL, 0, 0},      {"HS384", KEY_SECRET, "SHA384", 48, NULL, 0, 0},
    {"HS512", KEY_SECRET, "SHA512", 64, NULL, 0, 0},
};

const struct algorithm *algorithm_find(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); ++i) {
        if (strlen(algorithms[i].name) == length && memcmp(algorithms[i].name, name, length) == 0)
            return &algorithms[i];
    }
    return NULL;
}
