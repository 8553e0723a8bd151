#include "command/json_text.h"

#include "base/characters.h"
#include "base/text.h"

json_t *json_text(struct slice text)
{
    struct text clean = TEXT_INIT;
    while (text.length != 0) {
        size_t length = character_length(text);
        text_add(&clean, length == 0 ? SLICE("\xef\xbf\xbd") : slice_of(text.data, length));
        text = slice_skip(text, length == 0 ? 1 : length);
    }
    json_t *string = json_stringn(clean.length == 0 ? "" : clean.data, clean.length);
    text_finish(&clean);
    return string;
}
