# Finds jansson (Debian: libjansson-dev) as the target Jansson::Jansson.
find_package(PkgConfig REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
if(NOT TARGET Jansson::Jansson)
  add_library(Jansson::Jansson INTERFACE IMPORTED)
  target_link_libraries(Jansson::Jansson INTERFACE PkgConfig::JANSSON)
endif()
