#include "tls/tls_pem.h"

#include "base/log.h"
#include "tls/tls_words.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/stat.h>

static BIO *open_text(const struct file_settings *file)
{
    BIO *bio = BIO_new_mem_buf(file->content.data == NULL ? "" : file->content.data, (int)file->content.length);
    if (bio == NULL)
        abort();
    ERR_clear_error();
    return bio;
}

static bool was_last(void)
{
    unsigned long error = ERR_peek_last_error();
    bool is_end = error == 0 || (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE);
    if (is_end)
        ERR_clear_error();
    return is_end;
}

static bool refuse_certificates(const struct file_settings *file, bool has_some, struct error *error)
{
    if (was_last())
        return has_some || error_set_at(error, file->place, "'%s' holds no certificate in PEM", file->path);
    return error_set_at(error, file->place, "'%s' holds a certificate that cannot be read: %s", file->path,
                        tls_words_of_library());
}

X509_STORE *tls_pem_read_authorities(const struct file_settings *file, struct error *error)
{
    X509_STORE *store = X509_STORE_new();
    BIO *bio = open_text(file);
    X509 *certificate;
    char no_password[] = "";
    bool has_some = false;
    if (store == NULL)
        abort();
    while ((certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, no_password)) != NULL) {
        has_some |= X509_STORE_add_cert(store, certificate) == 1;
        X509_free(certificate);
    }
    BIO_free(bio);
    if (refuse_certificates(file, has_some, error))
        return store;
    X509_STORE_free(store);
    return NULL;
}

bool tls_pem_read_revoked(X509_STORE *authorities, const struct file_settings *file, struct error *error)
{
    BIO *bio = open_text(file);
    X509_CRL *list;
    char no_password[] = "";
    bool has_some = false;
    while ((list = PEM_read_bio_X509_CRL(bio, NULL, NULL, no_password)) != NULL) {
        has_some |= X509_STORE_add_crl(authorities, list) == 1;
        X509_CRL_free(list);
    }
    BIO_free(bio);
    if (!was_last())
        return error_set_at(error, file->place, "'%s' holds a list of revoked certificates that cannot be read: %s",
                            file->path, tls_words_of_library());
    return has_some ||
           error_set_at(error, file->place, "'%s' holds no list of revoked certificates (CRL) in PEM", file->path);
}

static bool read_chain(struct tls_pem_pair *pair, const struct file_settings *file, struct error *error)
{
    BIO *bio = open_text(file);
    X509 *certificate;
    char no_password[] = "";
    pair->chain = sk_X509_new_null();
    if (pair->chain == NULL)
        abort();
    while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, no_password)) != NULL) {
        if (pair->leaf == NULL)
            pair->leaf = certificate;
        else if (sk_X509_push(pair->chain, certificate) == 0)
            abort();
    }
    BIO_free(bio);
    return refuse_certificates(file, pair->leaf != NULL, error);
}

/* Nobody is there to type a password. */
static int refuse_password(char *buffer, int size, int is_for_writing, void *data)
{
    bool *is_encrypted = data;
    *is_encrypted = true;
    return -1;
}

static bool holds_key(const struct file_settings *file)
{
    static const char end[] = "PRIVATE KEY-----";
    return file->content.length != 0 && memmem(file->content.data, file->content.length, end, strlen(end)) != NULL;
}

static EVP_PKEY *read_key(const struct file_settings *file, struct error *error)
{
    bool is_encrypted = false;
    BIO *bio = open_text(file);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, refuse_password, &is_encrypted);
    BIO_free(bio);
    if (key != NULL)
        return key;
    if (is_encrypted)
        error_set_at(error, file->place, "the key in '%s' is protected by a password, which is not possible",
                     file->path);
    else if (!holds_key(file))
        error_set_at(error, file->place, "'%s' holds no private key in PEM", file->path);
    else
        error_set_at(error, file->place, "'%s' holds a private key that cannot be read: %s", file->path,
                     tls_words_of_library());
    ERR_clear_error();
    return NULL;
}

bool tls_pem_read_pair(struct tls_pem_pair *pair, const struct file_settings *certificate,
                       const struct file_settings *key, struct error *error)
{
    *pair = (struct tls_pem_pair){.certificate = certificate, .key_file = key};
    bool is_fine = read_chain(pair, certificate, error) && (pair->key = read_key(key, error)) != NULL;
    if (is_fine && X509_check_private_key(pair->leaf, pair->key) != 1)
        is_fine = error_set_at(error, key->place, "the key in '%s' does not belong to the certificate in '%s'",
                               key->path, certificate->path);
    if (!is_fine)
        tls_pem_free_pair(pair);
    ERR_clear_error();
    return is_fine;
}

void tls_pem_free_pair(struct tls_pem_pair *pair)
{
    X509_free(pair->leaf);
    sk_X509_pop_free(pair->chain, X509_free);
    EVP_PKEY_free(pair->key);
    *pair = (struct tls_pem_pair){0};
}

bool tls_pem_use_pair(SSL_CTX *context, const struct tls_pem_pair *pair, struct error *error)
{
    ERR_clear_error();
    bool is_fine = SSL_CTX_use_cert_and_key(context, pair->leaf, pair->key, pair->chain, 1) == 1;
    if (!is_fine)
        error_set_at(error, pair->certificate->place, "the certificate in '%s' cannot be used: %s",
                     pair->certificate->path, tls_words_of_library());
    ERR_clear_error();
    return is_fine;
}

bool tls_pem_use_certificate(SSL_CTX *context, const struct file_settings *certificate, const struct file_settings *key,
                             struct error *error)
{
    struct tls_pem_pair pair;
    if (!tls_pem_read_pair(&pair, certificate, key, error))
        return false;
    bool is_fine = tls_pem_use_pair(context, &pair, error);
    tls_pem_free_pair(&pair);
    return is_fine;
}

/* A group may be meant to read it, as Debian's ssl-cert is. */
void tls_pem_warn_of_key(const struct file_settings *key)
{
    struct stat status;
    if (stat(key->path, &status) == 0 && (status.st_mode & (S_IROTH | S_IWOTH)) != 0)
        log_line(LOG_LEVEL_WARNING, "every user of this machine can %s the key in '%s' (chmod 600)",
                 (status.st_mode & S_IROTH) != 0 ? "read" : "replace", key->path);
}
