"""Equations made fast: one function that runs many iterations, from the trees that the steps come from.

Two ways, and a third for long training. Each iteration of a run belongs to one, so what is run again has the same bits:

    scalars   tiny networks and circuits: straight-line Python, a local variable a number; the equations'
              scalar view (`expressions.element`) says how each follows from the others
    arrays    everything larger: NumPy calls into arrays that were made beforehand (`lowering` says of each formula
              which); the parameters lie side by side, so that an optimiser's rule runs once for all of them
    C         compiled and loaded by `building`. Of scalars: the same lines in another language (`straight`,
              `c_scalars`), with the same bits, so that a run may go over to it anywhere. Of arrays: loops (`c_arrays`,
              from the graph of `iteration`; `c_places` says what lies where), with other last bits than NumPy's sums,
              so that a run notes from which iteration on they are used

Both go through `graph.Graph`: values by number, each computed once however often it is used, and only those
that the loss or a new parameter needs. The source that is compiled is printed from that graph: it has
names of our own (v1, v2 ...) and numbers, never a text of the lesson.

Who owns which array
    `graph.Memory` owns what is carried from one iteration to the next: one flat array, parameters first, then the
    optimiser's states. Code reads and writes it in place; whoever wants to keep a state of it takes a copy.
    The data that the feed yields belongs to the caller: it is read, never written.
    Of `arrays`: every value has one array of its own, made before the first iteration and written anew in each
    (`out`), but for these:
      - what is the same along an axis may lie in less space than it is said to have, and broadcasts (`lowering`);
      - a transposed, a part or another shape is a view of what it shows (`base`), and keeps that one's array alive
        (`last`); only another shape of what does not lie in a row is copied;
      - gradients that an optimiser's rule takes together are written where they will lie side by side (`homes`);
      - a new parameter or state is written over the old one in `Memory` if nobody asks for the old one after that,
        and is copied there at the end of the iteration otherwise;
      - an elementwise value may be written over an argument of the same shape that has had its last use, if that
        argument has an array of its own (never the data, a parameter, or a view).
    Of `scalars`: nothing is shared. A value is a local variable; `Memory` is unpacked before and packed after.
"""
