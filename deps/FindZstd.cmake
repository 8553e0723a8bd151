# Finds libzstd (Debian: libzstd-dev) as the target Zstd::Zstd.
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
if(NOT TARGET Zstd::Zstd)
  add_library(Zstd::Zstd INTERFACE IMPORTED)
  target_link_libraries(Zstd::Zstd INTERFACE PkgConfig::ZSTD)
endif()
