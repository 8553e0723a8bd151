#include "listen/tls_ocsp.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "upstream/ocsp_call.h"

#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum {
    LEAST_NEXT_S = 60,
    USUAL_LIFE_S = 2 * 60 * 60, /* of an answer that does not say how long it is good */
    MOST_DOUBLINGS = 12,
    MOST_RETRY_MS = 60 * 60 * 1000,
    CLOCK_SKEW_S = 300,
};

struct tls_ocsp {
    const struct tls_pem_pair *pair;
    struct tls_staple *staple;
    X509 *issuer;        /* in the pair's chain */
    const char *problem; /* why nobody can be asked; NULL: somebody can */
    char *host, *port, *target;
    struct ocsp_responder responder;
    struct loop *loop;
    struct resolver *resolver;
    struct timer timer;
    struct ocsp_call *call;
    unsigned failures;
    bool is_told; /* how it stands */
};

static X509 *find_issuer(const struct tls_pem_pair *pair)
{
    for (int i = 0; i < sk_X509_num(pair->chain); ++i) {
        X509 *candidate = sk_X509_value(pair->chain, i);
        if (X509_check_issued(candidate, pair->leaf) == X509_V_OK)
            return candidate;
    }
    return NULL;
}

static bool read_url(struct tls_ocsp *ocsp, const char *url)
{
    int is_tls = 0, port = 0;
    if (OSSL_HTTP_parse_url(url, &is_tls, NULL, &ocsp->host, &ocsp->port, &port, &ocsp->target, NULL, NULL) != 1)
        return false;
    size_t length = strlen(ocsp->host);
    bool is_bracketed = length > 2 && ocsp->host[0] == '[' && ocsp->host[length - 1] == ']';
    ocsp->responder = (struct ocsp_responder){
        .host = slice_of(ocsp->host + is_bracketed, length - (is_bracketed ? 2 : 0)),
        .port = (uint16_t)port,
        .target = slice_from_text(ocsp->target),
    };
    return is_tls == 0 && ocsp->target[strcspn(ocsp->target, " \r\n\t")] == '\0';
}

/* The first one by plain HTTP. */
static bool find_responder(struct tls_ocsp *ocsp)
{
    STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(ocsp->pair->leaf);
    bool has_one = sk_OPENSSL_STRING_num(urls) > 0 && read_url(ocsp, sk_OPENSSL_STRING_value(urls, 0));
    X509_email_free(urls);
    ERR_clear_error();
    return has_one;
}

struct tls_ocsp *tls_ocsp_create(const struct tls_pem_pair *pair, struct tls_staple *staple)
{
    struct tls_ocsp *ocsp = mem_zalloc(sizeof(*ocsp));
    ocsp->pair = pair;
    ocsp->staple = staple;
    ocsp->issuer = find_issuer(pair);
    if (!find_responder(ocsp))
        ocsp->problem = "it names no responder by http";
    else if (ocsp->issuer == NULL)
        ocsp->problem = "its authority's certificate does not follow it in the file";
    return ocsp;
}

void tls_ocsp_destroy(struct tls_ocsp *ocsp)
{
    if (ocsp == NULL)
        return;
    tls_ocsp_stop(ocsp);
    OPENSSL_free(ocsp->host);
    OPENSSL_free(ocsp->port);
    OPENSSL_free(ocsp->target);
    free(ocsp);
}

void tls_ocsp_warn(const struct tls_ocsp *ocsp)
{
    if (ocsp != NULL && ocsp->problem != NULL)
        log_line(LOG_LEVEL_WARNING, "no OCSP response can be fetched for the certificate in '%s': %s",
                 ocsp->pair->certificate->path, ocsp->problem);
}

int64_t tls_ocsp_next_ms(time_t now, time_t until)
{
    time_t life = until > now ? until - now : 0;
    return (int64_t)(life / 2 < LEAST_NEXT_S ? LEAST_NEXT_S : life / 2) * 1000;
}

int64_t tls_ocsp_retry_ms(unsigned failures)
{
    int64_t pause_ms = (int64_t)1000 << (failures < MOST_DOUBLINGS ? failures : MOST_DOUBLINGS);
    return pause_ms < MOST_RETRY_MS ? pause_ms : MOST_RETRY_MS;
}

/* A tenth later or earlier, so that workers do not all ask in the same moment. */
static void wait_for(struct tls_ocsp *ocsp, int64_t delay_ms)
{
    int64_t tenth = delay_ms / 10 + 1;
    uint64_t number = (clock_monotonic_us() ^ (uint64_t)(uintptr_t)ocsp) * 0x9e3779b97f4a7c15u;
    timer_start(ocsp->loop, &ocsp->timer, delay_ms - tenth + (int64_t)(number >> 33) % (2 * tenth));
}

static bool is_signed_well(const struct tls_ocsp *ocsp, OCSP_BASICRESP *basic)
{
    X509_STORE *trusted = X509_STORE_new();
    STACK_OF(X509) *signers = sk_X509_new_null();
    if (trusted == NULL || signers == NULL || sk_X509_push(signers, ocsp->issuer) == 0 ||
        X509_STORE_add_cert(trusted, ocsp->issuer) != 1)
        abort();
    X509_STORE_set_flags(trusted, X509_V_FLAG_PARTIAL_CHAIN);
    bool is_good = OCSP_basic_verify(basic, signers, trusted, 0) == 1;
    sk_X509_free(signers);
    X509_STORE_free(trusted);
    return is_good;
}

static OCSP_CERTID *make_id(const struct tls_ocsp *ocsp)
{
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), ocsp->pair->leaf, ocsp->issuer);
    if (id == NULL)
        abort();
    return id;
}

/* Returns what is wrong with the answer; NULL where all is well, and until when it is. */
static const char *judge_basic(const struct tls_ocsp *ocsp, OCSP_BASICRESP *basic, time_t *until)
{
    OCSP_CERTID *id = make_id(ocsp);
    ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;
    int status = V_OCSP_CERTSTATUS_UNKNOWN, reason;
    bool has_it = OCSP_resp_find_status(basic, id, &status, &reason, NULL, &this_update, &next_update) == 1;
    OCSP_CERTID_free(id);
    if (!has_it)
        return "its response is for another certificate";
    if (!is_signed_well(ocsp, basic))
        return "its response is not signed by the certificate's authority";
    if (OCSP_check_validity(this_update, next_update, CLOCK_SKEW_S, -1) != 1)
        return "its response is out of date, or not valid yet";
    *until = next_update == NULL ? time(NULL) + USUAL_LIFE_S : tls_staple_read_time(next_update);
    return status == V_OCSP_CERTSTATUS_GOOD      ? NULL
           : status == V_OCSP_CERTSTATUS_REVOKED ? "the certificate is revoked"
                                                 : "the responder does not know the certificate";
}

static const char *judge_answer(const struct tls_ocsp *ocsp, struct slice answer, time_t *until)
{
    const unsigned char *bytes = (const unsigned char *)answer.data, *end = bytes + answer.length;
    OCSP_RESPONSE *response = answer.length == 0 ? NULL : d2i_OCSP_RESPONSE(NULL, &bytes, (long)answer.length);
    OCSP_BASICRESP *basic = NULL;
    const char *problem;
    if (response == NULL || bytes != end)
        problem = "what it sent is no OCSP response";
    else if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        problem = OCSP_response_status_str(OCSP_response_status(response));
    else if ((basic = OCSP_response_get1_basic(response)) == NULL)
        problem = "what it sent is no OCSP response";
    else
        problem = judge_basic(ocsp, basic, until);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return problem;
}

static void note_failure(struct tls_ocsp *ocsp, const char *failure)
{
    if (ocsp->failures == 0 || !ocsp->is_told)
        log_line(LOG_LEVEL_WARNING,
                 "no OCSP response for the certificate in '%s' could be fetched from http://%s:%s%s: %s",
                 ocsp->pair->certificate->path, ocsp->host, ocsp->port, ocsp->target, failure);
    ocsp->is_told = true;
    wait_for(ocsp, tls_ocsp_retry_ms(ocsp->failures++));
}

static void on_answered(void *data, struct slice answer, const char *failure)
{
    struct tls_ocsp *ocsp = data;
    time_t until = 0;
    ocsp->call = NULL;
    if (failure == NULL)
        failure = judge_answer(ocsp, answer, &until);
    if (failure != NULL) {
        note_failure(ocsp, failure);
        return;
    }
    tls_staple_set(ocsp->staple, answer, until);
    if (ocsp->failures != 0 || !ocsp->is_told)
        log_line(LOG_LEVEL_INFO, "fetched the OCSP response for the certificate in '%s'",
                 ocsp->pair->certificate->path);
    ocsp->is_told = true;
    ocsp->failures = 0;
    wait_for(ocsp, tls_ocsp_next_ms(time(NULL), until));
}

static void ask(struct timer *timer)
{
    struct tls_ocsp *ocsp = timer->data;
    unsigned char *bytes = NULL;
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    if (request == NULL || OCSP_request_add0_id(request, make_id(ocsp)) == NULL)
        abort();
    int length = i2d_OCSP_REQUEST(request, &bytes);
    if (length <= 0)
        abort();
    ocsp->call = ocsp_call_start(ocsp->loop, ocsp->resolver, &ocsp->responder,
                                 slice_of((const char *)bytes, (size_t)length), on_answered, ocsp);
    OPENSSL_free(bytes);
    OCSP_REQUEST_free(request);
}

void tls_ocsp_start(struct tls_ocsp *ocsp, struct loop *loop, struct resolver *resolver)
{
    if (ocsp == NULL || ocsp->problem != NULL)
        return;
    ocsp->loop = loop;
    ocsp->resolver = resolver;
    ocsp->timer = (struct timer){.on_timeout = ask, .data = ocsp};
    timer_start(loop, &ocsp->timer, 0);
}

void tls_ocsp_stop(struct tls_ocsp *ocsp)
{
    if (ocsp == NULL || ocsp->loop == NULL)
        return;
    timer_stop(ocsp->loop, &ocsp->timer);
    ocsp_call_cancel(ocsp->call);
    ocsp->call = NULL;
}
