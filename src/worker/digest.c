#include "worker/digest.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    DIGEST_BYTES = 32,
    PIECE_BYTES = 65536,
};

struct digest {
    EVP_MD_CTX *context;
};

/* OpenSSL fails here for want of memory only. */
static void demand(int is_done)
{
    if (is_done != 1)
        abort();
}

struct digest *digest_create(void)
{
    struct digest *digest = mem_alloc(sizeof(*digest));
    digest->context = EVP_MD_CTX_new();
    demand(digest->context != NULL && EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) == 1);
    return digest;
}

void digest_add(struct digest *digest, struct slice data)
{
    demand(EVP_DigestUpdate(digest->context, data.data, data.length));
}

void digest_add_item(struct digest *digest, struct slice item)
{
    uint64_t length = item.length;
    digest_add(digest, slice_of((const char *)&length, sizeof(length)));
    digest_add(digest, item);
}

void digest_finish(struct digest *digest, char text[DIGEST_TEXT_BYTES])
{
    unsigned char bytes[DIGEST_BYTES];
    demand(EVP_DigestFinal_ex(digest->context, bytes, NULL));
    for (int i = 0; i < DIGEST_BYTES; ++i)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    EVP_MD_CTX_free(digest->context);
    free(digest);
}

bool digest_file(const char *path, char text[DIGEST_TEXT_BYTES])
{
    char piece[PIECE_BYTES];
    ssize_t length;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd == -1)
        return false;
    struct digest *digest = digest_create();
    while ((length = read(fd, piece, sizeof(piece))) > 0 || (length == -1 && errno == EINTR)) {
        if (length > 0)
            digest_add(digest, slice_of(piece, (size_t)length));
    }
    int saved = errno;
    close(fd);
    digest_finish(digest, text);
    errno = saved;
    return length == 0;
}
