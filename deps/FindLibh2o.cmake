# Finds libh2o's event-loop flavour (Debian: libh2o-evloop-dev) as the target Libh2o::Libh2o.
# H2O_USE_LIBUV=0 is not in its pkg-config file, yet its headers want libuv's without it.
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBH2O REQUIRED IMPORTED_TARGET libh2o-evloop)
if(NOT TARGET Libh2o::Libh2o)
  add_library(Libh2o::Libh2o INTERFACE IMPORTED)
  target_link_libraries(Libh2o::Libh2o INTERFACE PkgConfig::LIBH2O)
  target_compile_definitions(Libh2o::Libh2o INTERFACE H2O_USE_LIBUV=0)
endif()
