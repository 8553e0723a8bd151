# Finds PCRE2 for texts of bytes (Debian: libpcre2-dev) as the target Pcre2::Pcre2.
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
if(NOT TARGET Pcre2::Pcre2)
  add_library(Pcre2::Pcre2 INTERFACE IMPORTED)
  target_link_libraries(Pcre2::Pcre2 INTERFACE PkgConfig::PCRE2)
endif()
