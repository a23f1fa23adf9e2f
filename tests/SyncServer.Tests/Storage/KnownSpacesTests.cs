using System.Text;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Tests.Storage;

/// <summary>What a server remembers of spaces, and when it does not.</summary>
public sealed class KnownSpacesTests
{
    private readonly Guid _space = Guid.NewGuid();
    private string _epoch = "one";

    [Fact]
    public void What_was_written_is_known_with_the_roles_that_were_found()
    {
        var known = new KnownSpaces(() => _epoch);
        Assert.Null(Known(known));
        var first = Write(known, _space, Figures.None, 3, ("anna", Role.Writer), ("ben", Role.Owner));
        Assert.Equal(("one", 3L, """{"note":{"refused":1}}""", 1, "Writer Owner -"), Known(known));
        Write(known, _space, first, 3, ("ben", Role.Reader), ("carl", Role.Writer));
        Assert.Equal(("one", 3L, """{"note":{"refused":2}}""", 2, "Writer Reader Writer"), Known(known));
    }

    [Theory]
    [InlineData(4L, """{"note":{"refused":1}}""", """{"note":{"refused":2}}""")]
    [InlineData(3L, """{"note":{"refused":7}}""", """{"note":{"refused":8}}""")]
    public void Of_a_space_that_somebody_else_wrote_to_no_role_is_known_any_more(long head, string before, string after)
    {
        var known = new KnownSpaces(() => _epoch);
        Write(known, _space, Figures.None, 3, ("anna", Role.Writer));
        Write(known, _space, Of(before), head, ("ben", Role.Writer));
        Assert.Equal(("one", head, after, 1, "- Writer -"), Known(known));
    }

    [Fact]
    public void What_is_forgotten_is_known_again_by_its_next_write_alone()
    {
        var known = new KnownSpaces(() => _epoch);
        var first = Write(known, _space, Figures.None, 3, ("anna", Role.Writer));
        known.Forget(_space);
        Assert.Null(Known(known));
        Write(known, _space, first, 3, ("ben", Role.Writer));
        Assert.Equal(("one", 3L, """{"note":{"refused":2}}""", 1, "- Writer -"), Known(known));
    }

    [Fact]
    public void Of_another_history_of_the_database_nothing_is_known()
    {
        var known = new KnownSpaces(() => _epoch);
        var first = Write(known, _space, Figures.None, 3, ("anna", Role.Writer));
        _epoch = "two";
        Assert.Null(Known(known));
        Write(known, _space, first, 3, ("ben", Role.Writer));
        Assert.Equal(("two", 3L, """{"note":{"refused":2}}""", 1, "- Writer -"), Known(known));
    }

    [Fact]
    public void Figures_that_are_too_large_are_forgotten()
    {
        var known = new KnownSpaces(() => _epoch);
        var names = Enumerable.Range(0, 400).Select(i => $"\"entity-{i:000}\":{{\"refused\":1}}").Prepend("\"note\":{\"refused\":1}");
        var large = Of("{" + string.Join(',', names) + "}");
        Write(known, _space, large, 3, ("anna", Role.Writer));
        Assert.Null(Known(known));
        Write(known, _space, Figures.None, 3, ("anna", Role.Writer));
        Assert.Equal(("one", 3L, """{"note":{"refused":1}}""", 1, "Writer - -"), Known(known));
        Write(known, _space, large, 3, ("anna", Role.Writer));
        Assert.Null(Known(known));
    }

    [Fact]
    public void Two_generations_are_kept_and_what_is_in_use_goes_over_into_the_next()
    {
        const int Generation = 20_000;
        var known = new KnownSpaces(() => _epoch);
        var unused = Guid.NewGuid();
        Write(known, _space, Figures.None, 3, ("anna", Role.Writer));
        Write(known, unused, Figures.None, 3);
        Fill(known, Generation);
        var used = Known(known);
        Fill(known, Generation);
        Assert.Equal(("one", 3L, """{"note":{"refused":1}}""", 1, "Writer - -"), used);
        Assert.Equal(used, Known(known));
        Assert.Null(known.Find(unused));

        // From whichever generation.
        Fill(known, Generation);
        known.Forget(_space);
        Assert.Null(Known(known));
    }

    [Fact]
    public void Roles_beyond_the_bound_take_the_place_of_all_others()
    {
        const int Members = 128;
        var space = new KnownSpace("one");
        for (var i = 0; i < Members; i++)
        {
            space.Add($"p{i}", Role.Writer);
        }

        space.Add("p0", Role.Reader);
        Assert.Equal([Role.Reader, .. Enumerable.Repeat<Role?>(Role.Writer, Members - 1)], Enumerable.Range(0, Members).Select(i => space.RoleOf($"p{i}")));
        space.Add("anna", Role.Owner);
        Assert.Equal(Role.Owner, space.RoleOf("anna"));
        Assert.All(Enumerable.Range(0, Members), i => Assert.Null(space.RoleOf($"p{i}")));
    }

    [Theory]
    [InlineData("""{"note":{"opened":2,"resolved":1},"task":{"opened":1,"resolved":1}}""", true, false, true)]
    [InlineData("""{"note":{"opened":1,"resolved":1},"task":{"opened":3,"resolved":1}}""", false, true, true)]
    [InlineData("""{"note":{"applied":2},"opened":{"applied":1}}""", false, false, false)]
    public void Conflicts_are_open_about_an_entity_that_has_more_opened_than_resolved(string figures, bool note, bool task, bool any)
    {
        var space = new KnownSpace("one");
        space.Move(3, Of(figures));
        RecordKey[] records = [new("note", "a"), new("task", "a"), new("list", "a")];
        Assert.Equal(
            (note, task, false, any),
            (space.HasOpenConflicts([records[0]]), space.HasOpenConflicts([records[1]]), space.HasOpenConflicts([records[2]]), space.HasOpenConflicts(records)));
    }

    private static void Fill(KnownSpaces known, int spaces)
    {
        for (var i = 0; i < spaces; i++)
        {
            Write(known, Guid.NewGuid(), Figures.None, 3);
        }
    }

    /// <summary>Writes a refusal, which moves no head, and returns the figures with it.</summary>
    private static Figures Write(KnownSpaces known, Guid space, Figures before, long head, params (string, Role)[] roles)
    {
        var plan = new SpacePlan(space, head, default, new Entropy(seed: 0)) { Counted = new Counted(before) };
        plan.Tallies.Add("note", new Tally { Refused = 1 });
        var after = plan.Counted.After();
        known.Committed(plan, after, roles);
        return after;
    }

    /// <summary>All that is known of the space, with the roles of Anna, Ben and Carl.</summary>
    private (string, long, string, int, string)? Known(KnownSpaces known) => known.Find(_space) is not { } space ? null : (
        space.Epoch, space.Head, Encoding.UTF8.GetString(space.Figures.Json.Span), space.Writes,
        string.Join(' ', new[] { "anna", "ben", "carl" }.Select(name => space.RoleOf(name)?.ToString() ?? "-")));

    private static Figures Of(string json) => new(Encoding.UTF8.GetBytes(json));
}
