# Finds libbrotlienc (Debian: libbrotli-dev) as the target Brotli::Encoder.
find_package(PkgConfig REQUIRED)
pkg_check_modules(BROTLI REQUIRED IMPORTED_TARGET libbrotlienc)
if(NOT TARGET Brotli::Encoder)
  add_library(Brotli::Encoder INTERFACE IMPORTED)
  target_link_libraries(Brotli::Encoder INTERFACE PkgConfig::BROTLI)
endif()
