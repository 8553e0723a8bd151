/* Looks like a library of the original FlexiLib. */

__attribute__((visibility("default"))) void handle_request(void *request, void *response);

void handle_request(void *request, void *response)
{
}
