// Weights for fixed-point products, and the choice of kernels. What is computed is said in fixed_point_kernels.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "aligned.hpp"
#include "fixed_point_kernels.hpp"

namespace latentpress::fixed_point {

/// The kernels of this name; the fastest that this CPU has where the name is empty, or is that of faster ones that it
/// lacks.
const Kernels& kernels_named(const std::string& name);

/// A matrix (outputs, depth) and a bias in fixed point, laid out for one version of the kernels.
class Weights {
 public:
  /// `weights`: (outputs, depth), row by row; `bias`: (outputs).
  Weights(const Kernels& kernels, const float* weights, const float* bias, std::size_t outputs, std::size_t depth);

  const Kernels& kernels() const { return *kernels_; }
  std::size_t panels() const { return steps_.size() / kPanel; }
  const std::uint8_t* panel(std::size_t number) const { return integers_.data() + number * kernels_->panel_bytes(depth_); }
  const float* steps(std::size_t panel) const { return steps_.data() + panel * kPanel; }
  const float* bias(std::size_t panel) const { return bias_.data() + panel * kPanel; }

 private:
  const Kernels* kernels_;
  std::size_t depth_;
  Aligned<std::uint8_t> integers_;
  std::vector<float> steps_, bias_;  // padded to whole panels
};

}  // namespace latentpress::fixed_point
