#version 450
// One triangle that covers the viewport, without vertex buffers: the viewport is where the picture
// goes, so (0, 0) is the picture's upper left corner and (1, 1) its lower right one.

layout(location = 0) out vec2 out_place;

void main()
{
    out_place = vec2((gl_VertexIndex << 1) & 2, gl_VertexIndex & 2);
    gl_Position = vec4(out_place * 2.0 - 1.0, 0.0, 1.0);
}
