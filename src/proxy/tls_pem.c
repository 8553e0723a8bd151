#include "proxy/tls_pem.h"

#include "proxy/tls_words.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>

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

static bool use_chain(SSL_CTX *context, const struct file_settings *file, struct error *error)
{
    BIO *bio = open_text(file);
    X509 *certificate;
    char no_password[] = "";
    size_t count = 0;
    bool is_fine = true;
    while (is_fine && (certificate = PEM_read_bio_X509(bio, NULL, NULL, no_password)) != NULL) {
        is_fine = count == 0 ? SSL_CTX_use_certificate(context, certificate) == 1
                             : SSL_CTX_add1_chain_cert(context, certificate) == 1;
        X509_free(certificate);
        ++count;
    }
    BIO_free(bio);
    if (is_fine)
        return refuse_certificates(file, count != 0, error);
    return error_set_at(error, file->place, "the certificate in '%s' cannot be used: %s", file->path,
                        tls_words_of_library());
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

bool tls_pem_use_certificate(SSL_CTX *context, const struct file_settings *certificate,
                             const struct file_settings *key_file, struct error *error)
{
    if (!use_chain(context, certificate, error))
        return false;
    EVP_PKEY *key = read_key(key_file, error);
    if (key == NULL)
        return false;
    bool is_fine = X509_check_private_key(SSL_CTX_get0_certificate(context), key) == 1;
    if (!is_fine)
        error_set_at(error, key_file->place, "the key in '%s' does not belong to the certificate in '%s'",
                     key_file->path, certificate->path);
    else if (SSL_CTX_use_PrivateKey(context, key) != 1)
        is_fine = error_set_at(error, key_file->place, "the key in '%s' cannot be used: %s", key_file->path,
                               tls_words_of_library());
    EVP_PKEY_free(key);
    ERR_clear_error();
    return is_fine;
}
