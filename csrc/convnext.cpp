#include "convnext.hpp"

#include <algorithm>

#include "autoregressive_team.hpp"
#include "errors.hpp"
#include "parallel.hpp"

namespace latentpress::convnext {
namespace {

constexpr std::size_t kMostTileRows = 96;
constexpr std::size_t kFewestTileRows = 12;
constexpr std::size_t kTilesPerThread = 4;
constexpr std::size_t kMostGathered = std::size_t{1} << 17;  // floats, to stay in the second-level cache

/// A stretch of positions, counted over all images, that a thread works through at once.
struct Tile {
  std::size_t first, count;
};

std::size_t tile_rows(std::size_t positions, std::size_t threads, std::size_t most) {
  const std::size_t even = positions / (std::max<std::size_t>(threads, 1) * kTilesPerThread);
  return std::clamp(even, kFewestTileRows, most) / kFewestTileRows * kFewestTileRows;
}

template <class Work>
void for_tiles(std::size_t positions, std::size_t rows, std::size_t threads, Work work) {
  parallel_for((positions + rows - 1) / rows, threads, [&](std::size_t i) {
    const std::size_t first = i * rows;
    work(Tile{first, std::min(rows, positions - first)});
  });
}

/// Calls work(image, y, x, count, offset in the tile) for each piece of an image row in the tile.
template <class Work>
void for_row_pieces(const ImageShape& shape, const Tile& tile, Work work) {
  for (std::size_t done = 0; done < tile.count;) {
    const std::size_t row = (tile.first + done) / shape.width, x = (tile.first + done) % shape.width;
    const std::size_t count = std::min(tile.count - done, shape.width - x);
    work(row / shape.height, row % shape.height, x, count, done);
    done += count;
  }
}

/// The neighbourhoods of a piece of an image row, side by side, with zeros outside the image.
void gather(const ImageShape& shape, std::size_t side, const Inputs& in, std::size_t image, std::size_t y, std::size_t x,
            std::size_t count, float* to) {
  const auto reach = static_cast<std::ptrdiff_t>(side / 2);
  const auto height = static_cast<std::ptrdiff_t>(shape.height), width = static_cast<std::ptrdiff_t>(shape.width);
  const auto origin = static_cast<std::ptrdiff_t>(image) * height * width;
  const std::size_t channels = in.channels + in.more_channels;
  for (std::size_t p = 0; p < count; ++p)
    for (std::ptrdiff_t dy = -reach; dy <= reach; ++dy)
      for (std::ptrdiff_t dx = -reach; dx <= reach; ++dx, to += channels) {
        const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(y) + dy, column = static_cast<std::ptrdiff_t>(x + p) + dx;
        if (row < 0 || row >= height || column < 0 || column >= width) {
          std::fill_n(to, channels, 0.0f);
          continue;
        }
        const auto at = static_cast<std::size_t>(origin + row * width + column);
        std::copy_n(in.values + at * in.channels, in.channels, to);
        if (in.more_channels > 0) std::copy_n(in.more + at * in.more_channels, in.more_channels, to + in.channels);
      }
}

}  // namespace

const Kernels& kernels_named(const std::string& name) {
#ifdef LATENTPRESS_X86_KERNELS
  static const Kernels* const fastest_first[] = {&kAvx512Kernels, &kAvx2Kernels, &kPortableKernels};
#else
  static const Kernels* const fastest_first[] = {&kPortableKernels};
#endif
  for (const Kernels* kernels : fastest_first)
    if (kernels->supported() && (name.empty() || name == kernels->name)) return *kernels;
  throw ConfigurationError("This CPU has no kernels named " + name + "; leave the name empty for the fastest.");
}

PackedMatrix::PackedMatrix(const float* weights, const float* bias, std::size_t outputs, std::size_t depth)
    : outputs_(outputs), depth_(depth) {
  const std::size_t panels = (outputs + kPanel - 1) / kPanel;
  panels_.assign(panels * depth * kPanel, 0.0f);
  bias_.assign(panels * kPanel, 0.0f);
  std::copy_n(bias, outputs, bias_.begin());
  for (std::size_t o = 0; o < outputs; ++o)
    for (std::size_t i = 0; i < depth; ++i)
      panels_[(o / kPanel * depth + i) * kPanel + o % kPanel] = weights[o * depth + i];
}

void convolve(const Kernels& kernels, const Convolution& layer, const ImageShape& shape, const Inputs& in,
              const float* residual, float* out, std::size_t threads) {
  const autoregressive::DefaultFloatingPoint default_environment;
  const std::size_t depth = layer.matrix.depth(), outputs = layer.matrix.outputs();
  const std::size_t most = std::clamp(kMostGathered / depth, kFewestTileRows, kMostTileRows);
  const bool in_place = layer.side == 1 && !layer.gelu_before && in.more_channels == 0;
  for_tiles(shape.positions(), tile_rows(shape.positions(), threads, most), threads, [&](const Tile& tile) {
    std::vector<float> gathered(in_place ? 0 : tile.count * depth);
    const float* rows = in.values + tile.first * in.channels;
    if (!in_place) {
      for_row_pieces(shape, tile, [&](std::size_t image, std::size_t y, std::size_t x, std::size_t count, std::size_t at) {
        gather(shape, layer.side, in, image, y, x, count, gathered.data() + at * depth);
      });
      if (layer.gelu_before) kernels.gelu(gathered.data(), gathered.data(), gathered.size());
      rows = gathered.data();
    }
    const std::size_t at = tile.first * outputs;
    kernels.multiply({rows, depth, tile.count, layer.matrix.panels(), layer.matrix.bias(), depth, outputs, layer.finish,
                      residual == nullptr ? nullptr : residual + at, out + at, outputs});
  });
}

void run_block(const Kernels& kernels, const Block& block, const ImageShape& shape, const float* in, float* out,
               std::size_t threads) {
  const autoregressive::DefaultFloatingPoint default_environment;
  const std::size_t channels = block.contract.outputs(), hidden = block.expand.outputs();
  const std::size_t per_image = shape.height * shape.width * channels;
  for_tiles(shape.positions(), tile_rows(shape.positions(), threads, kMostTileRows), threads, [&](const Tile& tile) {
    std::vector<float> normal(tile.count * channels), wide(tile.count * hidden);
    for_row_pieces(shape, tile, [&](std::size_t image, std::size_t y, std::size_t x, std::size_t count, std::size_t at) {
      float* to = normal.data() + at * channels;
      kernels.depthwise({in + image * per_image, shape.height, shape.width, channels, y, x, count, block.side,
                         block.depthwise_weights, block.depthwise_bias, to});
      const std::size_t modulation = block.modulation_per_image ? image * channels : 0;
      kernels.normalise({to, count, channels, block.shift + modulation, block.scale + modulation});
    });
    kernels.multiply({normal.data(), channels, tile.count, block.expand.panels(), block.expand.bias(), channels, hidden,
                      Finish::kGelu, nullptr, wide.data(), hidden});
    const std::size_t at = tile.first * channels;
    kernels.multiply({wide.data(), hidden, tile.count, block.contract.panels(), block.contract.bias(), hidden, channels,
                      Finish::kAddResidual, in + at, out + at, channels});
  });
}

}  // namespace latentpress::convnext
