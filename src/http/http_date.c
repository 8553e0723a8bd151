#include "http/http_date.h"

#include <stdio.h>

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

enum {
    LONGEST_BYTES = sizeof("Wednesday, 06-Nov-94 08:49:37 GMT"),
    YEAR_ZERO = 1900,
};

void http_date_format(char text[HTTP_DATE_BYTES], time_t time)
{
    struct tm utc = {0};
    gmtime_r(&time, &utc);
    snprintf(text, HTTP_DATE_BYTES, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", day_names + 3 * utc.tm_wday,
             (unsigned)utc.tm_mday % 100, month_names + 3 * utc.tm_mon, (unsigned)(utc.tm_year + YEAR_ZERO) % 10000,
             (unsigned)utc.tm_hour % 100, (unsigned)utc.tm_min % 100, (unsigned)utc.tm_sec % 100);
}

static bool find_month(const char *name, int *month)
{
    for (*month = 0; *month < 12; ++*month) {
        if (memcmp(name, month_names + 3 * (size_t)*month, 3) == 0)
            return true;
    }
    return false;
}

/* A year of two digits that seems to be more than 50 years ahead is one of the past. */
static int complete_year(int year)
{
    struct tm utc;
    time_t now = time(NULL);
    gmtime_r(&now, &utc);
    int this_year = utc.tm_year + YEAR_ZERO;
    year += this_year - this_year % 100;
    return year > this_year + 50 ? year - 100 : year;
}

/* Returns whether the whole text has one of the forms. */
static bool split(const char *text, int length, struct tm *utc, char month[4])
{
    int end = 0;
    sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &utc->tm_mday, month, &utc->tm_year,
           &utc->tm_hour, &utc->tm_min, &utc->tm_sec, &end);
    if (end == length)
        return true;
    end = 0;
    sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &utc->tm_mday, &utc->tm_hour, &utc->tm_min,
           &utc->tm_sec, &utc->tm_year, &end);
    if (end == length)
        return true;
    end = 0;
    sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &utc->tm_mday, month, &utc->tm_year,
           &utc->tm_hour, &utc->tm_min, &utc->tm_sec, &end);
    utc->tm_year = end == length ? complete_year(utc->tm_year) : 0;
    return end == length;
}

bool http_date_parse(struct slice text, time_t *time)
{
    char copy[LONGEST_BYTES], month[4] = "";
    struct tm utc = {0};
    if (text.length == 0 || text.length >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    if (!split(copy, (int)text.length, &utc, month) || !find_month(month, &utc.tm_mon))
        return false;
    bool is_date = utc.tm_mday >= 1 && utc.tm_mday <= 31 && utc.tm_hour >= 0 && utc.tm_hour <= 23 && utc.tm_min >= 0 &&
                   utc.tm_min <= 59 && utc.tm_sec >= 0 && utc.tm_sec <= 60 && utc.tm_year >= 0;
    utc.tm_year -= YEAR_ZERO;
    if (is_date)
        *time = timegm(&utc);
    return is_date;
}

struct slice http_date_now(struct http_date_cache *cache)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (cache->second != now.tv_sec || cache->text[0] == '\0') {
        http_date_format(cache->text, now.tv_sec);
        cache->second = now.tv_sec;
    }
    return slice_from_text(cache->text);
}
