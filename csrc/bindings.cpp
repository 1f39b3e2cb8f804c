// The extension module: its errors, and one registration for each binding file. The logic lives in files without
// Python.
#include "bindings.hpp"

namespace {

namespace nb = nanobind;

void raise_as(const char* name, const char* message) {
  PyErr_SetString(nb::module_::import_("latentpress.errors").attr(name).ptr(), message);
}

void translate(const std::exception_ptr& error, void*) {
  try {
    std::rethrow_exception(error);
  } catch (const latentpress::BitstreamError& e) {
    raise_as("BitstreamError", e.what());
  } catch (const latentpress::ConfigurationError& e) {
    raise_as("ConfigurationError", e.what());
  }
}

}  // namespace

NB_MODULE(_core, m) {
  m.doc() = "Compiled core of latentpress.";
  nb::register_exception_translator(translate);
  latentpress::register_tables(m);
  latentpress::register_rans(m);
  latentpress::register_convnext(m);
  latentpress::register_autoregressive(m);
  latentpress::register_integer_network(m);
  latentpress::register_strided(m);
  latentpress::register_warp(m);
}
