# Finds libyaml (Debian: libyaml-dev) as the target Libyaml::Libyaml.
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBYAML REQUIRED IMPORTED_TARGET yaml-0.1)
if(NOT TARGET Libyaml::Libyaml)
  add_library(Libyaml::Libyaml INTERFACE IMPORTED)
  target_link_libraries(Libyaml::Libyaml INTERFACE PkgConfig::LIBYAML)
endif()
