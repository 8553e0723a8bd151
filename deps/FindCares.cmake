# Finds c-ares (Debian: libc-ares-dev) as the target Cares::Cares.
find_package(PkgConfig REQUIRED)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
if(NOT TARGET Cares::Cares)
  add_library(Cares::Cares INTERFACE IMPORTED)
  target_link_libraries(Cares::Cares INTERFACE PkgConfig::CARES)
endif()
