using SyncServer.Core;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;

namespace SyncServer.Tests.Merge;

/// <summary>
/// A purchase cannot ship before it is paid. The two fields may come from two devices, so neither of them can check this:
/// the rule sees what the merge makes of both. Deletes are free, and so is everything that does not ship.
/// </summary>
public sealed class ShipOnlyPaidOrders : IOpRule
{
    public IEnumerable<FieldError> Check(OpStep step) =>
        step.Key.Entity == "purchase" && Is(step.After, "shipped") && !Is(step.After, "paid")
            ? [new FieldError("/shipped", "An order ships after it is paid.")]
            : [];

    private static bool Is(JsonObject? data, string name) => ReferenceEquals(data?[name], JsonLiteral.True);
}
