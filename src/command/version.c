#include "command/version.h"

#include "flexilib/filter.h"

#include <stdio.h>

void version_print(void)
{
    printf("flexilib %s\n", FLEXILIB_VERSION);
}

void version_print_all(void)
{
    version_print();
    printf("filter contract %d.%d\n", FLEXILIB_ABI_MAJOR, FLEXILIB_ABI_MINOR);
    printf("libh2o %s\n", FLEXILIB_LIBH2O_VERSION);
    printf("libyaml %s\n", FLEXILIB_LIBYAML_VERSION);
    printf("libpcre2 %s\n", FLEXILIB_PCRE2_VERSION);
    printf("jansson %s\n", FLEXILIB_JANSSON_VERSION);
    printf("c-ares %s\n", FLEXILIB_CARES_VERSION);
    printf("libnghttp2 %s\n", FLEXILIB_NGHTTP2_VERSION);
    printf("zlib %s\n", FLEXILIB_ZLIB_VERSION);
    printf("libbrotli %s\n", FLEXILIB_BROTLI_VERSION);
    printf("libzstd %s\n", FLEXILIB_ZSTD_VERSION);
}
