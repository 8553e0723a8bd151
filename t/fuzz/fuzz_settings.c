#include "configuration.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    configuration_try("flexilib.yaml", bytes, size);
    return 0;
}
