#include "tls/tls_words.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>

static void describe_wrong_name(SSL *ssl, char *words, size_t capacity)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    const char *host = X509_VERIFY_PARAM_get0_host(param, 0);
    char *address = host == NULL ? X509_VERIFY_PARAM_get1_ip_asc(param) : NULL;
    snprintf(words, capacity, "its certificate is not for '%s'", host != NULL ? host : address != NULL ? address : "");
    OPENSSL_free(address);
}

static void describe_certificate(SSL *ssl, char *words, size_t capacity)
{
    long result = SSL_get_verify_result(ssl);
    switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        snprintf(words, capacity, "its certificate has expired");
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        snprintf(words, capacity, "its certificate is not valid yet");
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        describe_wrong_name(ssl, words, capacity);
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        snprintf(words, capacity, "its certificate is by an unknown authority (trust one with 'ca')");
        break;
    default:
        snprintf(words, capacity, "its certificate is not valid: %s", X509_verify_cert_error_string(result));
        break;
    }
}

static void describe_alert(int reason, char *words, size_t capacity)
{
    int alert = reason - SSL_AD_REASON_OFFSET;
    switch (alert) {
    case SSL_AD_CERTIFICATE_REQUIRED:
        snprintf(words, capacity, "it wants a client's certificate (set 'certificate' and 'key')");
        break;
    case SSL_AD_PROTOCOL_VERSION:
        snprintf(words, capacity, "it speaks neither TLS 1.2 nor 1.3");
        break;
    case SSL_AD_NO_APPLICATION_PROTOCOL:
        snprintf(words, capacity, "it does not speak HTTP/1.1");
        break;
    default:
        snprintf(words, capacity, "it refused TLS with the alert '%s'", SSL_alert_desc_string_long(alert));
        break;
    }
}

static void describe_clients_alert(int reason, char *words, size_t capacity)
{
    int alert = reason - SSL_AD_REASON_OFFSET;
    bool is_about_certificate =
        (alert >= SSL_AD_BAD_CERTIFICATE && alert <= SSL_AD_CERTIFICATE_UNKNOWN) || alert == SSL_AD_UNKNOWN_CA;
    snprintf(words, capacity, "it refused %s with the alert '%s'", is_about_certificate ? "our certificate" : "TLS",
             SSL_alert_desc_string_long(alert));
}

/* What a client does wrong; what servers do too is left to the caller. */
static bool describe_client(int reason, char *words, size_t capacity)
{
    const char *text = NULL;
    switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
        text = "it does not speak TLS";
        break;
    case SSL_R_UNSUPPORTED_PROTOCOL:
        text = "it speaks no version of TLS that is spoken here";
        break;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        text = "it has no cipher or signature in common with us";
        break;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        text = "it showed no certificate";
        break;
    case SSL_R_NO_APPLICATION_PROTOCOL:
        text = "it offers only protocols that are not spoken here";
        break;
    default:
        if (reason <= SSL_AD_REASON_OFFSET || reason >= SSL_AD_REASON_OFFSET + 256)
            return false;
        describe_clients_alert(reason, words, capacity);
        return true;
    }
    snprintf(words, capacity, "%s", text);
    return true;
}

void tls_words_of_failure(SSL *ssl, char *words, size_t capacity)
{
    int reason = ERR_GET_REASON(ERR_peek_error());
    const char *text = ERR_reason_error_string(ERR_peek_error());
    if (SSL_is_server(ssl) && describe_client(reason, words, capacity))
        ;
    else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        describe_certificate(ssl, words, capacity);
    else if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST)
        snprintf(words, capacity, "it does not speak TLS (is it a plain http:// server?)");
    else if (reason == SSL_R_UNSUPPORTED_PROTOCOL)
        snprintf(words, capacity, "it speaks neither TLS 1.2 nor 1.3");
    else if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        snprintf(words, capacity, "it closed the connection without TLS's close_notify");
    else if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
        describe_alert(reason, words, capacity);
    else
        snprintf(words, capacity, "TLS has failed: %s", text != NULL ? text : "for an unknown reason");
    ERR_clear_error();
}

const char *tls_words_of_library(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return text != NULL ? text : "unknown error";
}
