using FsCheck.Fluent;
using SyncServer.Core.Json;

namespace SyncServer.Core.Tests.Json;

public class PathSetTests
{
    // Names that are beginnings of one another, with and without an escape, and the empty one.
    private static readonly FsCheck.Gen<string> Pointers = Gen.ArrayOf(Gen.Elements("a", "ab", "b", "a~1b", ""))
        .Resize(4).Select(names => string.Concat(names.Select(name => "/" + name)));

    private static readonly FsCheck.Gen<string[]> Several = Gen.ArrayOf(Pointers).Resize(5);

    [Fact]
    public void A_set_meets_a_path_exactly_where_one_of_its_pointers_does() =>
        Property.Holds(from first in Several from more in Several from asked in Several select (first, more, asked), world =>
        {
            var set = PathSet.Of(world.first).With(world.more);
            Assert.All(world.asked, path =>
                Assert.Equal(world.first.Concat(world.more).Any(pointer => JsonPointer.Meet(pointer, path)), set.Meets(path)));
        }, worlds: 20_000);

    [Fact]
    public void The_empty_set_meets_nothing_and_a_set_stays_as_it_was()
    {
        var one = PathSet.Of(["/a"]);
        Assert.True(one.With(["/b"]).Meets("/b"));
        Assert.False(one.Meets("/b"));
        Assert.False(PathSet.Empty.Meets(""));
    }
}
