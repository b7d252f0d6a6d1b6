// The provider's books in a database of their own.
#pragma once

#include <filesystem>
#include <memory>

#include "services/payment/store.hpp"

namespace micro {

Result<std::unique_ptr<payment::PaymentStore>> open_payment_books(const std::filesystem::path& folder);

}  // namespace micro
