#include "listen/tls_staple.h"

#include "base/log.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

static OCSP_RESPONSE *parse(const struct file_settings *file, struct error *error)
{
    const unsigned char *bytes = (const unsigned char *)file->content.data;
    const unsigned char *end = bytes + file->content.length;
    OCSP_RESPONSE *response = file->content.length == 0 ? NULL : d2i_OCSP_RESPONSE(NULL, &bytes, (long)(end - bytes));
    ERR_clear_error();
    int status = response == NULL ? OCSP_RESPONSE_STATUS_SUCCESSFUL : OCSP_response_status(response);
    if (response == NULL || bytes != end)
        error_set_at(error, file->place, "'%s' holds no OCSP response in DER", file->path);
    else if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        error_set_at(error, file->place, "'%s' holds an OCSP response that says nothing but '%s'", file->path,
                     OCSP_response_status_str(status));
    else
        return response;
    OCSP_RESPONSE_free(response);
    return NULL;
}

static OCSP_SINGLERESP *find_answer(OCSP_BASICRESP *basic, const X509 *certificate)
{
    for (int i = 0; i < OCSP_resp_count(basic); ++i) {
        OCSP_SINGLERESP *answer = OCSP_resp_get0(basic, i);
        ASN1_INTEGER *serial = NULL;
        OCSP_id_get0_info(NULL, NULL, NULL, &serial, (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(answer));
        if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) == 0)
            return answer;
    }
    return NULL;
}

time_t tls_staple_read_time(const ASN1_GENERALIZEDTIME *text)
{
    struct tm parts;
    return text == NULL || ASN1_TIME_to_tm(text, &parts) != 1 ? 0 : timegm(&parts);
}

static bool is_fresh(const struct tls_staple *staple)
{
    return !staple->is_for_other && (staple->next_update == 0 || time(NULL) < staple->next_update);
}

bool tls_staple_init(struct tls_staple *staple, const struct file_settings *file, const X509 *certificate,
                     struct error *error)
{
    *staple = (struct tls_staple){.file = file};
    if (file->path == NULL)
        return true;
    OCSP_RESPONSE *response = parse(file, error);
    if (response == NULL)
        return false;
    OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
    OCSP_SINGLERESP *answer = basic == NULL ? NULL : find_answer(basic, certificate);
    ASN1_GENERALIZEDTIME *next_update = NULL;
    if (answer != NULL)
        OCSP_single_get0_status(answer, NULL, NULL, NULL, &next_update);
    staple->is_for_other = answer == NULL;
    staple->next_update = tls_staple_read_time(next_update);
    staple->was_fresh = is_fresh(staple);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return true;
}

void tls_staple_finish(struct tls_staple *staple)
{
    text_finish(&staple->fetched);
}

void tls_staple_set(struct tls_staple *staple, struct slice response, time_t until)
{
    text_clear(&staple->fetched);
    text_add(&staple->fetched, response);
    staple->fetched_until = until;
}

struct slice tls_staple_get(struct tls_staple *staple)
{
    if (staple->fetched.length != 0 && time(NULL) < staple->fetched_until)
        return text_slice(&staple->fetched);
    if (staple->file->path == NULL)
        return SLICE_NONE;
    if (is_fresh(staple))
        return staple->file->content;
    if (staple->was_fresh && !staple->is_out_told)
        log_line(LOG_LEVEL_WARNING, "the OCSP response in '%s' has gone out of date, so it is not sent any more",
                 staple->file->path);
    staple->is_out_told = true;
    return SLICE_NONE;
}

void tls_staple_warn(const struct tls_staple *staple)
{
    if (staple->file->path != NULL && !staple->was_fresh)
        log_line(LOG_LEVEL_WARNING, "the OCSP response in '%s' is %s, so it is not sent", staple->file->path,
                 staple->is_for_other ? "for another certificate" : "out of date");
}
