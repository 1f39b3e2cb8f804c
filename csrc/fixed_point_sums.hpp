// How a sum ends, in every version of the fixed-point kernels; over the same types as fixed_point_loops.hpp.

/// fma(upper, 65536, lower) * row_step * steps + bias, sixteen outputs of a row.
inline void store_sum(const Integers& upper, const Integers& lower, float row_step, const float* steps, const float* bias,
                      float* to) {
  const Vector sum = multiply_add(to_floats(upper), broadcast(65536.0f), to_floats(lower));
  store(to, add(multiply(multiply(sum, broadcast(row_step)), load(steps)), load(bias)));
}
