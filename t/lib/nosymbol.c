/* A shared library, but not one that has anything to do with FlexiLib. */

__attribute__((visibility("default"))) int nosymbol(void);

int nosymbol(void)
{
    return 42;
}
